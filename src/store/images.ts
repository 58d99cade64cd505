import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { transaction } from "./database.ts";

export interface StoredLayer {
  chainId: string;
  bytes: number;
  inodes: number;
}

export interface StoredImage {
  id: string;
  /** The image configuration, JSON. */
  config: string;
  configSize: number;
  /** Tags and digests, sorted. */
  names: string[];
  /** Bottom first. */
  layers: StoredLayer[];
}

/** The tables of images and layers. Every method is one transaction, committed when it returns. */
export class ImageStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Stores an image, or brings a removed one back. The names given become its own; others that it has stay. */
  save(image: StoredImage): void {
    transaction(this.#database, () => {
      this.#run(
        `INSERT INTO images (id, config, config_size, last_use) VALUES (?, ?, ?, ?)
          ON CONFLICT (id) DO UPDATE SET removed = 0, last_use = excluded.last_use`,
        image.id,
        image.config,
        image.configSize,
        Date.now(),
      );
      image.layers.forEach(({ chainId, bytes, inodes }, position) => {
        this.#run("INSERT OR IGNORE INTO layers VALUES (?, ?, ?)", chainId, bytes, inodes);
        this.#run("DELETE FROM completed_layers WHERE chain_id = ?", chainId);
        this.#run("INSERT OR IGNORE INTO image_layers VALUES (?, ?, ?)", image.id, position, chainId);
      });
      for (const name of image.names)
        this.#run("INSERT OR REPLACE INTO image_names VALUES (?, ?)", name, image.id);
    });
  }

  /** All images that are not removed. */
  list(): StoredImage[] {
    const rows = this.#all("SELECT id FROM images WHERE removed = 0 ORDER BY id");
    return rows.flatMap((row) => this.get(String(row.id)) ?? []);
  }

  /** An image by its id, also a removed one that is still in use. */
  get(id: string): StoredImage | undefined {
    const [row] = this.#all("SELECT config, config_size FROM images WHERE id = ?", id);
    if (row === undefined) return undefined;
    const names = this.#all("SELECT name FROM image_names WHERE image_id = ? ORDER BY name", id);
    const layers = this.#all(
      `SELECT chain_id, bytes, inodes FROM image_layers JOIN layers USING (chain_id) WHERE image_id = ? ORDER BY position`,
      id,
    );
    return {
      id,
      config: String(row.config),
      configSize: Number(row.config_size),
      names: names.map(({ name }) => String(name)),
      layers: layers.map(toLayer),
    };
  }

  /** The id of the image that has a name; or, for "sha256:…" alone, of the one with that digest under any name. */
  idOfName(name: string): string | undefined {
    const end = `@${name}`;
    const [row] = name.startsWith("sha256:")
      ? this.#all("SELECT image_id FROM image_names WHERE substr(name, ?) = ? LIMIT 1", -end.length, end)
      : this.#all("SELECT image_id FROM image_names WHERE name = ?", name);
    return row === undefined ? undefined : String(row.image_id);
  }

  /** Ids (not removed) that begin with a text; at most two, enough to know whether it is unique. */
  idsWithPrefix(prefix: string): string[] {
    const rows = this.#all(
      "SELECT id FROM images WHERE removed = 0 AND substr(id, 1, ?) = ? LIMIT 2",
      prefix.length,
      prefix,
    );
    return rows.map(({ id }) => String(id));
  }

  /** Takes an image and its names away; in use it stays, unnamed and unlisted. Returns the layers nobody needs any more. */
  remove(id: string): string[] {
    return transaction(this.#database, () => {
      this.#run("DELETE FROM image_names WHERE image_id = ?", id);
      this.#run("UPDATE images SET removed = 1 WHERE id = ?", id);
      return this.#collect();
    });
  }

  /** Takes one tag or digest from an image. */
  removeName(name: string): void {
    this.#run("DELETE FROM image_names WHERE name = ?", name);
  }

  /** Notes that `user` needs the layers of an image; false when there is no such image. */
  acquire(id: string, user: string): boolean {
    return this.#soon(() => {
      if (this.#all("SELECT 1 FROM images WHERE id = ?", id).length === 0) return false;
      this.#run("INSERT OR IGNORE INTO image_users VALUES (?, ?)", id, user);
      this.#touch(id);
      return true;
    });
  }

  /** Who uses an image. */
  users(id: string): string[] {
    return this.#all("SELECT user FROM image_users WHERE image_id = ? ORDER BY user", id).map(({ user }) =>
      String(user),
    );
  }

  /** Ends what `acquire` noted. Returns the layers nobody needs any more. */
  release(id: string, user: string): string[] {
    return this.#soon(() =>
      transaction(this.#database, () => {
        this.#run("DELETE FROM image_users WHERE image_id = ? AND user = ?", id, user);
        this.#touch(id);
        return this.#collect();
      }),
    );
  }

  /** Ends the use of all images by anybody but `users`. Returns the layers nobody needs any more. */
  releaseOthers(users: readonly string[]): string[] {
    return this.#soon(() =>
      transaction(this.#database, () => {
        this.#run(
          "DELETE FROM image_users WHERE user NOT IN (SELECT value FROM json_each(?))",
          JSON.stringify(users),
        );
        return this.#collect();
      }),
    );
  }

  /** Images (not removed) that nobody uses, the one whose last use is longest ago first. */
  unused(): StoredImage[] {
    const rows = this.#all(
      `SELECT id FROM images WHERE removed = 0 AND id NOT IN (SELECT image_id FROM image_users) ORDER BY last_use, id`,
    );
    return rows.flatMap((row) => this.get(String(row.id)) ?? []);
  }

  /** Chain ids of the layers that images other than these have. */
  layersOfOthers(ids: readonly string[]): string[] {
    return this.#all(
      "SELECT DISTINCT chain_id FROM image_layers WHERE image_id NOT IN (SELECT value FROM json_each(?))",
      JSON.stringify(ids),
    ).map((row) => String(row.chain_id));
  }

  layers(): StoredLayer[] {
    return this.#all("SELECT chain_id, bytes, inodes FROM layers").map(toLayer);
  }

  hasLayer(chainId: string): boolean {
    return this.#all("SELECT 1 FROM layers WHERE chain_id = ?", chainId).length > 0;
  }

  /** Forgets the images that need one of these layers, whose files are gone. Returns the layers nobody needs any more. */
  forgetLayers(chainIds: readonly string[]): string[] {
    return transaction(this.#database, () => {
      for (const chainId of chainIds)
        this.#run(
          "DELETE FROM images WHERE id IN (SELECT image_id FROM image_layers WHERE chain_id = ?)",
          chainId,
        );
      return this.#collect();
    });
  }

  #collect(): string[] {
    this.#run("DELETE FROM images WHERE removed = 1 AND id NOT IN (SELECT image_id FROM image_users)");
    return this.#all(
      "DELETE FROM layers WHERE chain_id NOT IN (SELECT chain_id FROM image_layers) RETURNING chain_id",
    ).map((row) => String(row.chain_id));
  }

  #touch(id: string): void {
    this.#run("UPDATE images SET last_use = ? WHERE id = ?", Date.now(), id);
  }

  /** Who uses an image need not survive power loss, as containers do not: saves the wait for the disk. */
  #soon<T>(work: () => T): T {
    this.#database.exec("PRAGMA synchronous=NORMAL");
    try {
      return work();
    } finally {
      this.#database.exec("PRAGMA synchronous=FULL");
    }
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#database.prepare(sql).run(...values);
  }

  #all(sql: string, ...values: SQLInputValue[]) {
    return this.#database.prepare(sql).all(...values);
  }
}

function toLayer(row: Record<string, unknown>): StoredLayer {
  return { chainId: String(row.chain_id), bytes: Number(row.bytes), inodes: Number(row.inodes) };
}
