"""OpenAI's Chat Completions: https://developers.openai.com/api/reference/resources/chat"""
