import type { Config } from "../config/load.ts";
import type { NodeReport } from "../config/node-report.ts";
import type { ImageService } from "../image/service.ts";
import type { PodService } from "../pod/service.ts";
import type { StreamingServer } from "../streaming/server.ts";
import type { RpcObserver } from "./report.ts";

/** Everything the RPCs are answered from. The rooms appear by their public methods, so that tests can stand in for them. */
export interface CriContext {
  pods: Pick<PodService, keyof PodService>;
  images: Pick<ImageService, keyof ImageService>;
  streaming: Pick<StreamingServer, "execUrl" | "attachUrl" | "portForwardUrl">;
  node: NodeReport;
  config: Config;
  /** Is told of every call that has ended. */
  observe?: RpcObserver;
  /** lichen's own version. */
  version: string;
}
