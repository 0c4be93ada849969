import { grpc, wire } from "./pulumi-wire.ts";

export type Severity = "info" | "warning";

/** Writes to the display of the engine that runs the update. */
export class EngineLog {
  readonly #client: InstanceType<typeof wire.engineService.EngineClient>;

  /** @param address where the engine listens, from its call to attach or the first argument */
  constructor(address: string) {
    this.#client = new wire.engineService.EngineClient(address, grpc.credentials.createInsecure());
  }

  /** @param isStatus whether it is only shown beside the resource until something else is */
  write(urn: string, severity: Severity, message: string, isStatus: boolean): void {
    const request = new wire.engine.LogRequest();
    request.setUrn(urn);
    request.setMessage(message);
    request.setEphemeral(isStatus);
    request.setSeverity(
      severity === "info" ? wire.engine.LogSeverity.INFO : wire.engine.LogSeverity.WARNING,
    );
    // The display is a courtesy: an engine that is gone needs no message.
    this.#client.log(request, () => undefined);
  }

  close(): void {
    this.#client.close();
  }
}
