import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { LayerBlob } from "../images/five-layers.ts";
import { pssOf } from "../support/memory.ts";
import { timed } from "../support/statistics.ts";
import { images } from "../support/target.ts";
import type { RunningTarget } from "../targets.ts";

/** One figure: what a round gives, and the share of it that counts. */
export interface Measure {
  name: string;
  unit: string;
  round: () => Promise<Record<string, number>>;
  ratio?: (medians: Record<string, number>) => Record<string, number>;
}

/** Memory is looked at this often while a pull runs. */
const sampleMilliseconds = 10;

const share = (by: string) => (medians: Record<string, number>) => ({
  ratio: (medians.lichen ?? 0) / (medians[by] ?? 1),
});

/** Everything that is measured of pulling. Each round leaves the target without the images it pulled. */
export class PullMeasures {
  readonly #target: RunningTarget;
  readonly #folder: string;
  readonly #images: string;

  /** `folder`: on the tmpfs that the target unpacks to; `images`: where the layers lie (images/make.ts). */
  constructor(target: RunningTarget, folder: string, imagesFolder: string) {
    this.#target = target;
    this.#folder = folder;
    this.#images = imagesFolder;
  }

  all(): Measure[] {
    const layers = (name: string) =>
      JSON.parse(readFileSync(join(this.#images, `${name}.json`), "utf8")) as LayerBlob[] | LayerBlob;
    const beside = (name: string, image: string, decoder: string): Measure => ({
      name,
      unit: "ms",
      ratio: share("floor"),
      round: async () => ({
        floor: await this.#byHand([layers(name)].flat(), decoder),
        lichen: await this.#pull(image),
      }),
    });
    return [
      beside("gzip", images.gzip, "gunzip"),
      beside("zstd", images.zstd, "zstd -d"),
      {
        ...beside("small", images.small, "cat"),
        ratio: ({ floor = 0, tar = 0, lichen = 1 }) => ({ speed: floor / lichen, speedOfTar: tar / lichen }),
        round: async () => {
          const [blob] = [layers("small")].flat();
          const tar = this.#timedInEmptyFolder(`tar -xf ${blob?.path}`);
          return {
            tar,
            floor: await this.#byHand([layers("small")].flat(), "cat"),
            lichen: await this.#pull(images.small),
          };
        },
      },
      { name: "memory-gzip", unit: "MiB", round: () => this.#peakMemory(images.gzip) },
      { name: "memory-zstd", unit: "MiB", round: () => this.#peakMemory(images.zstd) },
      { name: "memory-small", unit: "MiB", round: () => this.#peakMemory(images.small) },
      { name: "shared-layers", unit: "ms", round: () => this.#sharedLayers(), ratio: share("first") },
      { name: "unchanged", unit: "ms", round: () => this.#unchanged() },
    ];
  }

  /** Milliseconds to fetch and unpack layers one after another with a shell's means. */
  async #byHand(layers: readonly LayerBlob[], decoder: string): Promise<number> {
    const url = `http://${this.#target.registry}/v2/bench/x/blobs`;
    const steps = layers.map(({ digest }) => `curl -sf ${url}/${digest} | ${decoder} | tar -xf -`);
    return this.#timedInEmptyFolder(steps.join(" && "));
  }

  #timedInEmptyFolder(command: string): number {
    const cwd = join(this.#folder, "by-hand");
    mkdirSync(cwd);
    const began = performance.now();
    execFileSync("bash", ["--norc", "-euo", "pipefail", "-c", command], { cwd });
    const milliseconds = performance.now() - began;
    execFileSync("rm", ["-rf", cwd]);
    return milliseconds;
  }

  async #pull(image: string): Promise<number> {
    const { client } = this.#target;
    const [milliseconds] = await timed(() => client.pullImage({ image: { image } }));
    await client.removeImage({ image: { image } });
    return milliseconds;
  }

  /** What the target's processes hold more during a pull than before, at the most. */
  async #peakMemory(image: string): Promise<Record<string, number>> {
    const { client, cgroup } = this.#target;
    // Threads of an earlier pull end, and their memory is given back, after some seconds of rest.
    await new Promise((resolve) => setTimeout(resolve, 9000));
    const before = pssOf(cgroup);
    let peak = before;
    const watching = setInterval(() => {
      peak = Math.max(peak, pssOf(cgroup));
    }, sampleMilliseconds);
    await client.pullImage({ image: { image } });
    clearInterval(watching);
    await client.removeImage({ image: { image } });
    return { before, extra: peak - before };
  }

  /** A second image that has four of five layers in common with one that is there. */
  async #sharedLayers(): Promise<Record<string, number>> {
    const { client } = this.#target;
    const [first] = await timed(() => client.pullImage({ image: { image: images.gzip } }));
    const [lichen] = await timed(() => client.pullImage({ image: { image: images.shared } }));
    for (const image of [images.gzip, images.shared]) await client.removeImage({ image: { image } });
    return { first, lichen };
  }

  /** The same image again, and how long one request to the registry takes by itself. */
  async #unchanged(): Promise<Record<string, number>> {
    const { client } = this.#target;
    const image = images.busybox;
    await client.pullImage({ image: { image } });
    const url = `http://${this.#target.registry}/v2/bench/busybox/manifests/1?ns=registry.k8s.io`;
    const [roundTrip] = await timed(() => fetch(url).then((response) => response.arrayBuffer()));
    const [lichen] = await timed(() => client.pullImage({ image: { image } }));
    return { roundTrip, lichen, beyond: lichen - roundTrip };
  }
}
