import { LichenError } from "../errors.ts";
import type { Platform, PlatformDescriptor } from "./manifest.ts";

const goArchitectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };

/** The platform of this machine. */
export function localPlatform(): Platform {
  const architecture = goArchitectures[process.arch] ?? process.arch;
  if (architecture === "arm64") return { os: "linux", architecture, variant: "v8" };
  if (architecture === "arm") return { os: "linux", architecture, variant: "v7" };
  return { os: "linux", architecture };
}

// Other names that builders write, as containerd reads them (platforms, database.go).
const aliases: ReadonlyMap<string, [architecture: string, variant?: string]> = new Map([
  ["x86_64", ["amd64"]],
  ["x86-64", ["amd64"]],
  ["aarch64", ["arm64"]],
  ["i386", ["386"]],
  ["armhf", ["arm", "v7"]],
  ["armel", ["arm", "v6"]],
]);

/**
 * The entry of an index that fits a platform best: same OS and architecture, then the same variant, then the nearest
 * older one (arm v7 runs v6), then one without a variant. One that needs features of the system never fits; its version
 * means nothing on Linux. When none fits, the first one that names no platform is taken, which then has to be looked at
 * (checkPlatform). Throws NOT_FOUND with the platforms that there are.
 */
export function choosePlatform(
  manifests: readonly PlatformDescriptor[],
  wanted: Platform,
  object: string,
): PlatformDescriptor {
  let best: PlatformDescriptor | undefined;
  let bestRank = 0;
  for (const manifest of manifests) {
    const rank = rankOf(manifest.platform, wanted);
    if (rank > bestRank) {
      best = manifest;
      bestRank = rank;
    }
  }
  best ??= manifests.find(({ platform, artifactType }) => !platform && !artifactType);
  if (best !== undefined) return best;
  throw noneFor(
    wanted,
    manifests.flatMap(({ platform }) => platform ?? []),
    object,
  );
}

function noneFor(wanted: Platform, offered: Platform[], object: string): LichenError {
  const names = [...new Set(offered.map(platformName))].join(", ");
  return new LichenError({
    code: "NOT_FOUND",
    operation: "choose platform",
    object,
    reason: `the image has no variant for ${platformName(wanted)}, only for ${names || "none"}`,
    hint: "pull another tag, or build the image for this platform",
  });
}

/** Refuses an image whose configuration, the last place to say so, is for another platform. */
export function checkPlatform(offered: Platform, wanted: Platform, object: string): void {
  if (rankOf(offered, wanted) === 0) throw noneFor(wanted, [offered], object);
}

function rankOf(offered: Platform | null | undefined, wanted: Platform): number {
  if (!offered || offered.features?.length) return 0;
  const [architecture, ownVariant] = aliases.get(offered.architecture) ?? [offered.architecture];
  const variant = offered.variant || ownVariant || "";
  if (offered.os !== wanted.os || architecture !== wanted.architecture) return 0;
  if (variant === (wanted.variant ?? "")) return 1000;
  if (variant === "") return 1;
  // Older variants run, the newer the better. Every amd64 machine is v1 at least; more it does not say (v3 may not run).
  const have = Math.max(variantNumber(wanted.variant), architecture === "amd64" ? 1 : 0);
  const need = variantNumber(variant);
  return need <= have ? 1 + need : 0;
}

function variantNumber(variant: string | undefined): number {
  return Number(/^v(\d+)/.exec(variant ?? "")?.[1] ?? 0);
}

export function platformName(platform: Platform): string {
  const variant = platform.variant === undefined || platform.variant === "" ? "" : `/${platform.variant}`;
  const features = platform.features?.length ? ` with ${platform.features.join(" and ")}` : "";
  return `${platform.os}/${platform.architecture}${variant}${features}`;
}
