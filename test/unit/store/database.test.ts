import assert from "node:assert/strict";
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { isUniqueViolation, openDatabase, transaction } from "../../../src/store/database.ts";
import { PodStore } from "../../../src/store/pods.ts";

const directory = mkdtempSync(join(tmpdir(), "lichen-database-"));
after(() => rmSync(directory, { recursive: true }));

const options = { durable: false };
const record = (id: string) => ({ id, createdAt: 5n, config: {} }) as Parameters<PodStore["insert"]>[0];

test("a transaction is all or nothing, and fails with its own error", () => {
  const database = openDatabase(":memory:", options);
  const pods = new PodStore(database);
  const failing = () =>
    transaction(database, () => {
      pods.insert(record("a"), "a");
      throw new Error("half-way");
    });
  assert.throws(failing, /half-way/);
  assert.deepEqual(pods.all(), []);
  assert.equal(
    transaction(database, () => 7),
    7,
  );
});

test("a full disk, which ends the transaction by itself, is told as what it is", () => {
  const database = openDatabase(join(directory, "full.db"), options);
  const pods = new PodStore(database);
  database.exec(
    "CREATE TRIGGER full BEFORE INSERT ON pods BEGIN SELECT RAISE(ROLLBACK, 'disk I/O error'); END",
  );
  assert.throws(() => transaction(database, () => pods.insert(record("a"), "a")), /disk I\/O error/);
  database.exec("DROP TRIGGER full");
  database.exec(`PRAGMA max_page_count=${Number(database.prepare("PRAGMA page_count").get()?.page_count)}`);
  const large = { ...record("b"), reason: "x".repeat(100_000) };
  assert.throws(() => transaction(database, () => pods.insert(large, "b")), /full/);
  database.exec("PRAGMA max_page_count=1000");
  transaction(database, () => pods.insert(large, "b"));
  assert.deepEqual(
    pods.all().map(({ id }) => id),
    ["b"],
  );
  database.close();
});

test("a name that is taken is told from every other failure", () => {
  const database = openDatabase(":memory:", options);
  const pods = new PodStore(database);
  pods.insert(record("a"), "name");
  assert.throws(() => pods.insert(record("b"), "name"), { code: "ALREADY_EXISTS", object: "name" });
  assert.throws(() => pods.insert(record("a"), "other"), { code: "ALREADY_EXISTS" });
  assert.equal(isUniqueViolation(new Error("UNIQUE constraint failed")), false);
  assert.equal(isUniqueViolation(null), false);
  assert.equal(isUniqueViolation({ errcode: 13 }), false);
});

test("opening again changes nothing, and two connections see what the other has committed", () => {
  const path = join(directory, "two.db");
  const [one, other] = [openDatabase(path, options), openDatabase(path, { durable: true })];
  new PodStore(one).insert(record("a"), "a");
  assert.deepEqual(
    new PodStore(other).all().map(({ id, createdAt }) => [id, createdAt]),
    [["a", 5n]],
  );
  one.close();
  other.close();
});

test("what is no database is refused with its name and what to do, and left alone", () => {
  for (const [name, content] of [
    ["text", "not a database, but long enough to be looked at ".repeat(20)],
    ["header", `SQLite format 3\0${"\xff".repeat(500)}`],
  ] as const) {
    const path = join(directory, name);
    writeFileSync(path, content, "latin1");
    assert.throws(() => openDatabase(path, options), {
      code: "INTERNAL",
      object: path,
      hint: /move the file away/,
    });
    assert.equal(readFileSync(path, "latin1"), content);
  }
  assert.throws(() => openDatabase(directory, options), { object: directory });
  assert.throws(() => openDatabase(join(directory, "none/state.db"), options), { code: "INTERNAL" });
});

test("of a log that was cut anywhere, every whole commit before the cut is there, and nothing else", () => {
  const path = join(directory, "torn.db");
  const database = openDatabase(path, options);
  const pods = new PodStore(database);
  // Nothing of these is in the file itself: the log has them all.
  for (let number = 0; number < 10; number++) pods.insert(record(`pod-${number}`), `name ${number}`);
  const whole = statSync(`${path}-wal`).size;
  const found = new Set<number>();
  for (let part = 0; part <= 40; part++) {
    const copy = join(directory, `cut-${part}.db`);
    copyFileSync(path, copy);
    copyFileSync(`${path}-wal`, `${copy}-wal`);
    truncateSync(`${copy}-wal`, Math.round((whole * part) / 40));
    const opened = openDatabase(copy, options);
    const ids = new PodStore(opened).all().map(({ id }) => id);
    assert.deepEqual(
      ids,
      Array.from({ length: ids.length }, (_, number) => `pod-${number}`),
      `cut at ${part}/40`,
    );
    found.add(ids.length);
    opened.close();
  }
  assert.ok(found.has(0) && found.has(10) && found.size > 5, [...found].join());
  database.close();
});
