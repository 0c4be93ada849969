import { startTypedProviders, type TypedProviders } from "../support/typed-providers/start.ts";
import { packageNames } from "../support/typed-providers/token-types.ts";
import { clusterExamples, ExampleProject, exampleNames } from "./example-project.ts";

/** A platform on AWS is a hundred resources. */
const commandsMs = 180_000;

describe("the examples of projects that make what they need", function () {
  this.timeout(commandsMs);
  let providers: TypedProviders;

  before(async () => {
    providers = await startTypedProviders(packageNames);
  });
  after(() => providers?.stop());

  for (const name of exampleNames().filter((one) => !clusterExamples.includes(one))) {
    describe(`examples/${name}`, () => {
      let project: ExampleProject;

      before(async () => {
        project = await ExampleProject.copy(name, providers.env);
      });
      after(() => project?.forget());

      it("previews, makes and destroys every stack that needs no other", async () => {
        for (const { name: stack, kind } of await project.stacks()) {
          // a service needs its platform's cluster: tests/cluster/end-to-end/examples.test.ts
          if (kind === "service") continue;
          await project.init(stack);
          await project.preview(stack);
          await project.up(stack);
          await project.preview(stack, "--expect-no-changes");
          await project.destroy(stack);
        }
      });
    });
  }
});
