import { metricDescriptors } from "../messages/metric-table.ts";
import type { RuntimeRpc } from "../rpc.ts";

export const listMetricDescriptors: RuntimeRpc<"ListMetricDescriptors"> = () => ({
  descriptors: metricDescriptors,
});
