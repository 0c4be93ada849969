import { appMeshScene } from "./app-mesh-scene.ts";
import { describeRollouts } from "./rollouts.ts";

describeRollouts("app-mesh", appMeshScene);
