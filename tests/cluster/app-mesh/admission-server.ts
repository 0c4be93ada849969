import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { AdmissionregistrationV1Api, type KubeConfig } from "@kubernetes/client-node";
import { z } from "zod";
import {
  AdmissionRefusal,
  defaults,
  validate,
  type JsonPatch,
  type Neighbors,
} from "./admission.ts";
import { kinds, type Kind } from "./objects.ts";

/** Files of a certificate good for 127.0.0.1, and of the authority that signed it. */
export interface ServingCertificate {
  readonly caCertificate: string;
  readonly servingCertificate: string;
  readonly servingKey: string;
}

const kindNames = [
  "Mesh",
  "VirtualGateway",
  "VirtualNode",
  "VirtualRouter",
  "VirtualService",
  "GatewayRoute",
] as const satisfies readonly Kind[];

const reviewSchema = z.object({
  request: z.object({
    uid: z.string(),
    kind: z.object({ kind: z.enum(kindNames) }),
    namespace: z.string().default(""),
    operation: z.enum(["CREATE", "UPDATE"]),
    object: z.unknown(),
    oldObject: z.unknown(),
  }),
});

type Review = z.output<typeof reviewSchema>["request"];

const configurationName = {
  mutating: "appmesh-mutating-webhook-configuration",
  validating: "appmesh-validating-webhook-configuration",
} as const;

/** The controller's two webhooks, served on loopback to an API server on this machine. */
export class AdmissionServer {
  readonly #server: Server;
  readonly #config: KubeConfig;
  readonly #certificate: ServingCertificate;
  readonly #neighborsOf: (namespace: string) => Promise<Neighbors>;

  constructor(
    config: KubeConfig,
    certificate: ServingCertificate,
    neighborsOf: (namespace: string) => Promise<Neighbors>,
  ) {
    this.#config = config;
    this.#certificate = certificate;
    this.#neighborsOf = neighborsOf;
    this.#server = createServer(
      {
        cert: readFileSync(certificate.servingCertificate),
        key: readFileSync(certificate.servingKey),
      },
      (request, response) => {
        this.#answer(request, response).catch((error: unknown) => {
          response.statusCode = 500;
          response.end(String(error));
        });
      },
    );
  }

  /** Listens on a free port and registers both webhooks. */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, "127.0.0.1", resolve);
    });
    await unregisterWebhooks(this.#config);
    await this.#register();
  }

  /** Stops answering; registered webhooks that do not answer block every write of their kinds. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    request.setEncoding("utf8");
    for await (const chunk of request) body += String(chunk);
    const { request: review } = reviewSchema.parse(JSON.parse(body));
    const answer = await this.#judge(request.url ?? "", review);
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({
        apiVersion: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response: { uid: review.uid, ...answer },
      }),
    );
  }

  async #judge(path: string, review: Review): Promise<object> {
    try {
      // The API server adds its time limit as a query.
      if (path.startsWith("/validate")) {
        validate(review.kind.kind, review.object, review.oldObject ?? undefined);
        return { allowed: true };
      }
      const patch = await this.#defaults(review);
      return {
        allowed: true,
        patchType: "JSONPatch",
        patch: Buffer.from(JSON.stringify(patch)).toString("base64"),
      };
    } catch (error) {
      if (!(error instanceof AdmissionRefusal)) throw error;
      return { allowed: false, status: { code: 403, message: error.message } };
    }
  }

  async #defaults(review: Review): Promise<JsonPatch> {
    if (review.operation !== "CREATE") return [];
    const neighbors = await this.#neighborsOf(review.namespace);
    return defaults(review.kind.kind, review.object, neighbors);
  }

  async #register(): Promise<void> {
    const api = this.#config.makeApiClient(AdmissionregistrationV1Api);
    await api.createMutatingWebhookConfiguration({
      body: {
        metadata: { name: configurationName.mutating },
        webhooks: [this.#webhook("mutate")],
      },
    });
    await api.createValidatingWebhookConfiguration({
      body: {
        metadata: { name: configurationName.validating },
        webhooks: [this.#webhook("validate")],
      },
    });
  }

  #webhook(path: "mutate" | "validate") {
    // A server that listens on a port has an address with one.
    const { port } = this.#server.address() as AddressInfo;
    return {
      name: `${path}.appmesh.k8s.aws`,
      admissionReviewVersions: ["v1"],
      clientConfig: {
        url: `https://127.0.0.1:${port}/${path}`,
        caBundle: readFileSync(this.#certificate.caCertificate).toString("base64"),
      },
      failurePolicy: "Fail",
      sideEffects: "None",
      timeoutSeconds: 10,
      rules: [
        {
          apiGroups: ["appmesh.k8s.aws"],
          apiVersions: ["v1beta2"],
          operations: ["CREATE", "UPDATE"],
          resources: Object.values(kinds).map(({ plural }) => plural),
        },
      ],
    };
  }
}

/** Takes both webhooks away where they are registered. */
export async function unregisterWebhooks(config: KubeConfig): Promise<void> {
  const api = config.makeApiClient(AdmissionregistrationV1Api);
  const { items: mutating } = await api.listMutatingWebhookConfiguration();
  if (mutating.some(({ metadata }) => metadata?.name === configurationName.mutating)) {
    await api.deleteMutatingWebhookConfiguration({ name: configurationName.mutating });
  }
  const { items: validating } = await api.listValidatingWebhookConfiguration();
  if (validating.some(({ metadata }) => metadata?.name === configurationName.validating)) {
    await api.deleteValidatingWebhookConfiguration({ name: configurationName.validating });
  }
}
