import assert from "node:assert/strict";
import { test } from "node:test";
import { exposition } from "../../../src/daemon/metrics/exposition.ts";
import { RpcMetrics } from "../../../src/daemon/metrics/rpcs.ts";
import { serveMetrics } from "../../../src/daemon/metrics/server.ts";
import { recordingLog } from "../cri/rooms.ts";

test("families are written as Prometheus reads them, label values escaped", () => {
  const text = exposition([
    {
      name: "x_total",
      help: "Help.",
      type: "counter",
      samples: [{ value: 1 }, { suffix: "_sum", labels: { a: 'b"\\\n', c: "d" }, value: 2.5 }],
    },
  ]);
  assert.equal(
    text,
    '# HELP x_total Help.\n# TYPE x_total counter\nx_total 1\nx_total_sum{a="b\\"\\\\\\n",c="d"} 2.5\n',
  );
});

test("a latency counts in its bucket and in every larger one", () => {
  const rpcs = new RpcMetrics();
  rpcs.observe("Version", 0.5, "OK");
  rpcs.observe("Version", 7, "OK");
  rpcs.observe("Version", 1_000_000, "INTERNAL");
  const [ends, durations] = rpcs.families();
  assert.deepEqual(ends?.samples, [
    { labels: { rpc: "Version", code: "OK" }, value: 2 },
    { labels: { rpc: "Version", code: "INTERNAL" }, value: 1 },
  ]);
  const bucket = (le: string) =>
    durations?.samples.find(({ labels, suffix }) => suffix === "_bucket" && labels?.le === le)?.value;
  assert.deepEqual(["0.001", "0.005", "0.01", "300", "+Inf"].map(bucket), [1, 1, 2, 2, 3]);
  assert.equal(durations?.samples.find(({ suffix }) => suffix === "_sum")?.value, 1000.0075);
  assert.equal(durations?.samples.find(({ suffix }) => suffix === "_count")?.value, 3);
});

test("only /metrics is served, and without the host's side there is a warning", async () => {
  const { log, lines } = recordingLog();
  const launcher = { listen: () => Promise.reject(new Error("no launcher")) };
  let text = "a 1\n";
  const port = 20_000 + (process.pid % 20_000);
  const server = await serveMetrics({ address: "127.0.0.1", port }, launcher, log, () => {
    if (text === "") throw new Error("nothing to tell");
    return text;
  });
  try {
    const get = (path: string, init = {}) => fetch(`http://127.0.0.1:${port}${path}`, init);
    const answer = await get("/metrics?x=y");
    assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert.equal(await answer.text(), "a 1\n");
    assert.equal((await get("/")).status, 404);
    assert.equal((await get("/metrics", { method: "POST" })).status, 405);
    text = "";
    assert.equal((await get("/metrics")).status, 500);
    assert.deepEqual(
      lines.map(({ level }) => level),
      ["warn", "error"],
    );
    await assert.rejects(
      serveMetrics({ address: "127.0.0.1", port }, launcher, log, () => ""),
      { code: "UNAVAILABLE", message: /EADDRINUSE/ },
    );
  } finally {
    server.close();
  }
});
