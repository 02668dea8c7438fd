"""Tools of MCP servers, through the official SDK: https://modelcontextprotocol.io.

`STREAMS["mcp"]` names the servers; `Agent(mcp=["files"])` has their tools. Needs the extra `mcp`.
"""
