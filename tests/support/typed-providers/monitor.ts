import resourceService from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import resource from "@pulumi/pulumi/proto/resource_pb.js";
import { decodeMarked, encode, Marked } from "../kubernetes-provider/property-values.ts";
import { grpc } from "../kubernetes-provider/pulumi-wire.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A resource of a component, registered. */
export interface Registered {
  readonly urn: string;
  readonly id: string;
  readonly outputs: Fields;
  /** How a component's outputs name it. */
  readonly reference: Marked;
}

/** The engine's resource monitor, for what a component declares. */
export class Monitor {
  readonly #client: InstanceType<typeof resourceService.ResourceMonitorClient>;

  /** @param address where the engine of an update listens */
  constructor(address: string) {
    this.#client = new resourceService.ResourceMonitorClient(
      address,
      grpc.credentials.createInsecure(),
    );
  }

  close(): void {
    this.#client.close();
  }

  /**
   * Registers one resource and waits until the engine is done with it.
   *
   * @param declared.parent   URN
   * @param declared.provider reference of an explicit provider, `URN::id`; else the default one
   * @throws Error in the engine's words
   */
  async register(declared: {
    readonly type: string;
    readonly name: string;
    readonly parent: string;
    readonly isComponent?: boolean;
    readonly inputs?: Fields;
    readonly provider?: string | undefined;
    readonly version?: string;
    readonly providers?: readonly (readonly [name: string, reference: string])[];
  }): Promise<Registered> {
    const request = new resource.RegisterResourceRequest();
    request.setType(declared.type);
    request.setName(declared.name);
    request.setParent(declared.parent);
    request.setCustom(declared.isComponent !== true);
    request.setObject(encode(declared.inputs ?? {}));
    request.setProvider(declared.provider ?? "");
    request.setVersion(declared.version ?? "");
    request.setAcceptsecrets(true);
    request.setAcceptresources(true);
    request.setSupportspartialvalues(true);
    for (const [name, reference] of declared.providers ?? []) {
      request.getProvidersMap().set(name, reference);
    }
    const response = await new Promise<InstanceType<typeof resource.RegisterResourceResponse>>(
      (done, failed) => {
        this.#client.registerResource(request, (error, answer) => {
          if (error === null) done(answer);
          else failed(error);
        });
      },
    );
    const [urn, id] = [response.getUrn(), response.getId()];
    const outputs = decodeMarked(response.getObject());
    return { urn, id, outputs, reference: new Marked("resource", { urn, id }) };
  }

  /** Says what a component puts out. */
  async registerOutputs(urn: string, outputs: Fields): Promise<void> {
    const request = new resource.RegisterResourceOutputsRequest();
    request.setUrn(urn);
    request.setOutputs(encode(outputs));
    await new Promise<void>((done, failed) => {
      this.#client.registerResourceOutputs(request, (error) => {
        if (error === null) done();
        else failed(error);
      });
    });
  }
}
