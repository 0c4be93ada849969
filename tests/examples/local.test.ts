import { localTargetEnvironment } from "../../tools/environment.ts";
import { ExampleProject } from "./example-project.ts";

describe("the example of this machine", function () {
  this.timeout(120_000);
  let project: ExampleProject;

  before(async () => {
    project = await ExampleProject.copy(".", await localTargetEnvironment());
  });
  after(async () => {
    await project?.remove();
  });

  it("previews its platform", async () => {
    await project.init("dev");
    await project.preview("dev");
  });

  it("previews examples/podinfo on the platform", async () => {
    await project.up("dev");
    await project.init("dev-podinfo");
    await project.preview("dev-podinfo");
  });
});
