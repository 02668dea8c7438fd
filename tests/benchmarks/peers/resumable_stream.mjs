// Answers over Vercel's resumable-stream and a Redis of its own, which stores nothing either.
//
//     node resumable_stream.mjs FOLDER_OF_THE_PACKAGE PORT_OF_THE_VENDOR

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createServer, request } from "node:http";
import { createRequire } from "node:module";
import { createServer as listening } from "node:net";
import { Readable } from "node:stream";

const [, , folder, vendor] = process.argv;
const require = createRequire(`${folder}/`);

async function freePort() {
  const server = listening().listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

const redisPort = await freePort();
const redis = spawn("redis-server", ["--port", `${redisPort}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
await new Promise((ready) => redis.stdout.on("data", (said) => `${said}`.includes("Ready to accept") && ready()));
process.env.REDIS_URL = `redis://127.0.0.1:${redisPort}`;

function leave() {
  redis.kill("SIGKILL");
  process.exit(0);
}

process.on("SIGTERM", leave);
process.stdin.on("end", leave).resume();

const { createResumableStreamContext } = require("resumable-stream");
const context = createResumableStreamContext({ waitUntil: null });

function asked({ content, model }) {
  const body = JSON.stringify({ model, messages: [{ role: "user", content }] });
  const { readable, writable } = new TextDecoderStream();
  const ask = request({ port: vendor, host: "127.0.0.1", method: "POST", headers: { "content-length": body.length } });
  ask.on("response", (answer) => Readable.toWeb(answer).pipeTo(writable));
  ask.end(body);
  return readable;
}

async function begin(req, res) {
  let body = "";
  for await (const piece of req) body += piece;
  const id = randomUUID();
  const stream = await context.createNewResumableStream(id, () => asked(JSON.parse(body)));
  stream.cancel(); // whoever looks comes by another connection
  res.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify({ url: `/c/${id}/` }));
}

async function show(id, res) {
  const stream = await context.resumeExistingStream(id);
  res.writeHead(200, { "content-type": "text/event-stream" });
  if (!stream) return res.end("data: [DONE]\n\n"); // it has ended: nothing is kept
  for await (const piece of stream) res.write(piece);
  res.end();
}

const server = createServer((req, res) => (req.method === "POST" ? begin(req, res) : show(req.url.split("/")[2], res)));
server.listen({ port: 0, host: "127.0.0.1", backlog: 2048 }, () => console.log("on", server.address().port));
