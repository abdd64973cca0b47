/** An answer that Stripe gives instead of what was asked for: its status, and its error body. */
export class Refusal extends Error {
  readonly status: number;
  readonly error: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, more: Record<string, unknown> = {}, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    const { code } = more;
    const docs = typeof code === 'string' ? { doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}` } : {};
    this.error = { ...docs, message, type: 'invalid_request_error', ...more };
    this.headers = headers;
  }
}

/** What is said of an id that names nothing: 404 where it is in the path, 400 where it is a parameter. */
export function missing(object: string, id: string, param = 'id'): Refusal {
  const what = object.replaceAll('_', ' ');
  return new Refusal(param === 'id' ? 404 : 400, `No such ${what}: '${id}'`, { code: 'resource_missing', param });
}
