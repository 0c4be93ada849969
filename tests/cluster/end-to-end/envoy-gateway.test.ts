import { gatewayScene } from "./gateway-scene.ts";
import { describeRollouts } from "./rollouts.ts";

describeRollouts("gateway-api on Envoy Gateway", gatewayScene("envoy-gateway"));
