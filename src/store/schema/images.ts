import type { Migration } from "../migration.ts";

/**
 * Images, their names, and the layers they are stacked from. `removed` marks an image that nobody can name any more
 * but whose layers are still in use by a container; `image_users` says by which.
 */
export const imagesMigrations: readonly Migration[] = [
  {
    name: "images-1",
    sql: `
      CREATE TABLE images (
        id TEXT PRIMARY KEY,
        config TEXT NOT NULL,
        config_size INTEGER NOT NULL,
        removed INTEGER NOT NULL DEFAULT 0
      ) STRICT;
      CREATE TABLE image_names (
        name TEXT PRIMARY KEY,
        image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE
      ) STRICT;
      CREATE INDEX names_of_image ON image_names (image_id);
      CREATE TABLE layers (
        chain_id TEXT PRIMARY KEY,
        bytes INTEGER NOT NULL,
        inodes INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE image_layers (
        image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        chain_id TEXT NOT NULL REFERENCES layers (chain_id),
        PRIMARY KEY (image_id, position)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX images_of_layer ON image_layers (chain_id);
      CREATE TABLE image_users (
        image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
        user TEXT NOT NULL,
        PRIMARY KEY (image_id, user)
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    // Milliseconds since 1970: when the image was pulled, or a container began or ended to use it.
    name: "images-last-use",
    sql: "ALTER TABLE images ADD COLUMN last_use INTEGER NOT NULL DEFAULT 0;",
  },
  {
    // Layers that no image has yet, and the boot of the machine in which they became complete.
    name: "images-completed-layers",
    sql: `
      CREATE TABLE completed_layers (
        chain_id TEXT PRIMARY KEY,
        bytes INTEGER NOT NULL,
        inodes INTEGER NOT NULL,
        boot TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
];
