import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { type LayerProgress, LayerProgressState } from "#lichen";
import { bars, duration } from "../../../src/cli/images/bars.ts";
import { showLayers } from "../../../src/cli/images/show.ts";
import { Speed } from "../../../src/cli/images/speed.ts";

const { PRESENT, COMING, DONE } = LayerProgressState;
const layer = (
  name: string,
  state: LayerProgress["state"],
  received: number,
  size: number,
): LayerProgress => ({
  digest: `sha256:${name.repeat(64)}`,
  state,
  received,
  size,
});
const plain = { columns: 80, rows: 24, speed: undefined, unicode: false };

describe("bars", () => {
  const layers = [
    layer("a", PRESENT, 0, 5e6),
    layer("b", DONE, 3e7, 3e7),
    layer("c", COMING, 5e7, 2e8),
    layer("d", COMING, 0, 1e6),
  ];

  test("show each layer that moves, and all of them together", () => {
    assert.deepEqual(bars(layers, { ...plain, speed: 1e7 }), [
      "bbbbbbbbbbbb  ########################################  100%              30 MB",
      "cccccccccccc  ##########------------------------------   25%    50 MB of 200 MB",
      "dddddddddddd  ----------------------------------------    0%        0 B of 1 MB",
      "2 of 4 layers  80 MB of 231 MB  10 MB/s  15 s left",
    ]);
  });

  test("fit into every width, down to none at all", () => {
    for (const columns of [200, 80, 61, 50, 40]) {
      for (const unicode of [true, false]) {
        const lines = bars(layers, { ...plain, columns, unicode, speed: 123_456_789 });
        assert.equal(lines.length, 4);
        const widest = Math.max(...lines.map((line) => stripVTControlCharacters(line).length));
        assert.ok(widest < columns, `${widest} of ${columns} columns`);
      }
    }
  });

  test("are filled to an eighth of a cell", () => {
    const [line = ""] = bars([layer("a", COMING, 33, 320)], { ...plain, unicode: true });
    assert.match(stripVTControlCharacters(line), /^a{12} {2}████▏·{35} {3}10%/);
  });

  test("leave out what is done when there is no room for all", () => {
    const lines = bars(layers, { ...plain, rows: 3 });
    assert.deepEqual(
      lines.map((line) => line.slice(0, 4)),
      ["cccc", "dddd", "2 of"],
    );
  });
});

test("a speed is that of the last three seconds", () => {
  const speed = new Speed();
  assert.equal(speed.perSecond, undefined);
  speed.note(0, 0);
  speed.note(100, 600);
  assert.equal(speed.perSecond, undefined);
  for (let at = 1000; at <= 10_000; at += 500) speed.note(5000 + (at - 1000), at);
  assert.equal(speed.perSecond, 1000);
  for (let at = 10_500; at <= 14_000; at += 500) speed.note(14_000, at);
  assert.equal(speed.perSecond, 0);
});

test("durations are told in their largest units", () => {
  assert.deepEqual([0.2, 59, 125, 3840].map(duration), ["1 s", "59 s", "2 min 5 s", "1 h 4 min"]);
});

describe("showing how layers come", () => {
  async function* steps() {
    yield { layers: [layer("a", PRESENT, 0, 5), layer("b", COMING, 0, 1e6)], imageId: "" };
    yield { layers: [layer("a", PRESENT, 0, 5), layer("b", COMING, 5e5, 1e6)], imageId: "" };
    yield { layers: [layer("a", PRESENT, 0, 5), layer("b", DONE, 1e6, 1e6)], imageId: "" };
    yield { layers: [], imageId: "sha256:1" };
  }
  const recording = (more: object) => {
    let text = "";
    return {
      ...more,
      write: (part: string) => {
        text += part;
      },
      text: () => text,
    };
  };

  test("in a pipe: each fact once, on a line of its own", async () => {
    const pipe = recording({});
    const last = await showLayers("pulling x", steps(), pipe);
    assert.equal(last?.imageId, "sha256:1");
    const [first, second, third, ...rest] = pipe.text().split("\n");
    assert.equal(first, "pulling x: 2 layers, 1 MB in 1 of them to fetch");
    assert.equal(second, `${"b".repeat(12)}: 1 MB`);
    assert.match(third ?? "", /^1 layer, 1 MB in 0\.0 s \(.*\/s\); 1 of 2 here already$/);
    assert.deepEqual(rest, [""]);
  });

  test("in a terminal: redrawn in place, and only the summary stays", async () => {
    const terminal = recording({ isTTY: true, columns: 80, rows: 24 });
    await showLayers("pulling x", steps(), terminal);
    const frames = terminal.text().replaceAll(/\[\dA/g, "[A").split("\u001b[A\r\u001b[J");
    assert.equal(frames.length, 5);
    assert.match(frames[2] ?? "", /^pulling x\nb{12} {2}.* 50% .*\n1 of 2 layers {2}500 kB of 1 MB\n$/);
    assert.match(frames[4] ?? "", /^1 layer, 1 MB in /);
  });

  test("a failure ends the picture and is told on", async () => {
    const terminal = recording({ isTTY: true });
    const failing = (async function* () {
      yield { layers: [layer("b", COMING, 0, 1e6)] };
      throw new Error("no registry");
    })();
    await assert.rejects(showLayers("pulling x", failing, terminal), /no registry/);
    assert.ok(terminal.text().endsWith("\u001b[J"));
  });
});
