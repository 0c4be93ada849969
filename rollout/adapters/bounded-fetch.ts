/** Bounds of one request: a server that hangs or never stops talking must not hold the driver. */
export interface FetchBounds {
  readonly timeoutMs: number;
  readonly bytesMax: number;
}

export interface Answer {
  readonly status: number;
  /** Where a redirect points; redirects are never followed: a POST would lose its body on the way. */
  readonly location: string | null;
  readonly body: string;
}

/** One HTTP request with a bound on time and size. Rejects with an Error whose message is fit for people. */
export async function boundedFetch(
  url: URL,
  init: RequestInit,
  bounds: FetchBounds,
  signal: AbortSignal,
): Promise<Answer> {
  const timeout = AbortSignal.timeout(bounds.timeoutMs);
  try {
    const response = await fetch(url, {
      ...init,
      redirect: "manual",
      signal: AbortSignal.any([signal, timeout]),
    });
    const body = await readBody(response, bounds.bytesMax);
    return { status: response.status, location: response.headers.get("location"), body };
  } catch (error) {
    if (signal.aborted) throw new Error("interrupted", { cause: error });
    if (timeout.aborted) {
      throw new Error(`no answer within ${bounds.timeoutMs} ms`, { cause: error });
    }
    throw new Error(deepestMessage(error), { cause: error });
  }
}

async function readBody(response: Response, bytesMax: number): Promise<string> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  const chunks: AsyncIterable<Uint8Array> = response.body;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new Error(`the answer is larger than ${bytesMax} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** `fetch` says "fetch failed"; what failed is in the innermost cause, at times in a list of them. */
function deepestMessage(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return deepestMessage(error.errors[0]);
  }
  if (error instanceof Error) {
    return error.cause === undefined ? error.message : deepestMessage(error.cause);
  }
  return String(error);
}
