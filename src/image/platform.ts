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

/**
 * The entry of an index that fits a platform best: same OS and architecture, then the same variant, then the nearest
 * older one (arm v7 runs v6), then one without a variant. Entries without a platform (attestations have "unknown")
 * never fit. Throws NOT_FOUND with the platforms that there are.
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
  if (best !== undefined) return best;
  const offered = manifests.flatMap((manifest) =>
    manifest.platform ? [platformName(manifest.platform)] : [],
  );
  throw new LichenError({
    code: "NOT_FOUND",
    operation: "choose platform",
    object,
    reason: `the image has no variant for ${platformName(wanted)}, only for ${[...new Set(offered)].join(", ") || "none"}`,
    hint: "pull another tag, or build the image for this platform",
  });
}

function rankOf(offered: Platform | undefined, wanted: Platform): number {
  if (offered === undefined) return 0;
  if (offered.os !== wanted.os || offered.architecture !== wanted.architecture) return 0;
  if ((offered.variant ?? "") === (wanted.variant ?? "")) return 1000;
  if (offered.variant === undefined || offered.variant === "") return 1;
  const have = variantNumber(wanted.variant);
  const need = variantNumber(offered.variant);
  // Older variants run, the newer the better; for a machine without a variant only the plain one does (x86-64-v3!).
  return need <= have ? 1 + need : 0;
}

function variantNumber(variant: string | undefined): number {
  return Number(/^v(\d+)/.exec(variant ?? "")?.[1] ?? 0);
}

export function platformName(platform: Platform): string {
  const variant = platform.variant === undefined || platform.variant === "" ? "" : `/${platform.variant}`;
  return `${platform.os}/${platform.architecture}${variant}`;
}
