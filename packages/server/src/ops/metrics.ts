import { Counter, Gauge, Histogram, Registry } from 'prom-client'

const seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/**
 * Everything that is counted, in a registry of its own: two servers in one process count apart. Labels are names out of this program alone, never
 * anything that a client sent.
 */
export class Metrics {
  readonly #registry = new Registry()

  /** `level`: `memory` when nothing had to be read, else `read`. */
  readonly verifications = this.#counter({
    name: 'latchkey_verifications_total',
    help: 'Access tokens that were verified, by outcome: "accepted", or the code of the refusal.',
    labelNames: ['outcome', 'level'],
  })
  readonly logins = this.#counter({
    name: 'latchkey_logins_total',
    help: 'Attempts to sign in, by outcome: "done", or the code of the refusal.',
    labelNames: ['outcome'],
  })
  readonly introspections = this.#counter({
    name: 'latchkey_introspections_total',
    help: 'Questions about tokens, by outcome: "active", "inactive", or the code of the refusal.',
    labelNames: ['outcome'],
  })
  readonly forwardAuth = this.#counter({
    name: 'latchkey_forward_auth_total',
    help: 'Requests to other services that a proxy asked about, by outcome: "allowed", or the code of the refusal.',
    labelNames: ['outcome'],
  })
  readonly limiterRefusals = this.#counter({
    name: 'latchkey_limiter_refusals_total',
    help: 'Requests refused because there were too many, by the class of their route.',
    labelNames: ['class'],
  })
  readonly passwordRefusals = this.#counter({
    name: 'latchkey_password_refusals_total',
    help: 'Passwords that were not hashed, by purpose and reason: "full", "displaced", or "abandoned" by the client.',
    labelNames: ['use', 'reason'],
  })
  readonly requests = this.#histogram({
    name: 'latchkey_http_request_duration_seconds',
    help: 'From the arrival of a request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
  })
  readonly store = this.#histogram({
    name: 'latchkey_store_duration_seconds',
    help: 'What the database took, by operation and outcome.',
    labelNames: ['operation', 'outcome'],
  })
  readonly cache = this.#histogram({
    name: 'latchkey_cache_duration_seconds',
    help: 'What the shared cache took, by operation.',
    labelNames: ['operation'],
  })
  readonly cacheEntries = this.#counter({
    name: 'latchkey_cache_entries_total',
    help: 'Tenants that the shared cache was asked for: "hit" or "miss".',
    labelNames: ['result'],
  })
  readonly forgedTokens = this.#counter({
    name: 'latchkey_forged_tokens_total',
    help: 'Tokens under a secret of ours that we did not issue.',
  })
  readonly secretLeaks = this.#counter({
    name: 'latchkey_secret_leaks_total',
    help: 'Secrets that were ended because somebody else had signed with them.',
  })
  readonly mail = this.#counter({
    name: 'latchkey_mail_total',
    help: 'Letters by outcome: "sent", "delayed" for each attempt that failed and is made again, "failed" when one was given up.',
    labelNames: ['outcome'],
  })
  readonly settingFiles = this.#counter({
    name: 'latchkey_setting_files_total',
    help: 'Files of settings that were read again, by setting and outcome: "changed", or "unusable" so that the last value stays.',
    labelNames: ['setting', 'outcome'],
  })
  readonly jobFailures = this.#counter({
    name: 'latchkey_chore_failures_total',
    help: 'Chores that failed, by their name.',
    labelNames: ['chore'],
  })

  /** A value that is looked up in memory at each scrape. */
  gauge<Label extends string>(options: ReadOptions<Label>): void {
    const { name, help, labelNames = [], read } = options
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect() {
        this.reset()
        // A gauge without labels is 0 after a reset, which would be shown for a value that is not known.
        if (labelNames.length === 0) this.remove()
        for (const { labels, value } of read()) this.set(labels ?? {}, value)
      },
    })
  }

  /** A number that only grows, counted elsewhere and looked up in memory at each scrape. */
  total<Label extends string>(options: ReadOptions<Label>): void {
    const { name, help, labelNames = [], read } = options
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect() {
        this.reset()
        for (const { labels, value } of read()) this.inc(labels ?? {}, value)
      },
    })
  }

  /** The answer to a scrape, in the text format of Prometheus. */
  scrape(): Promise<string> {
    return this.#registry.metrics()
  }

  /** The media type of the answer. */
  get contentType(): string {
    return this.#registry.contentType
  }

  #counter<Label extends string>(options: { name: string; help: string; labelNames?: Label[] }): Counter<Label> {
    return new Counter({ ...options, registers: [this.#registry] })
  }

  #histogram<Label extends string>(options: { name: string; help: string; labelNames: Label[] }): Histogram<Label> {
    return new Histogram({ ...options, buckets: seconds, registers: [this.#registry] })
  }
}

/** What a gauge or a total shows. */
export interface ReadOptions<Label extends string> {
  readonly name: string
  readonly help: string
  readonly labelNames?: readonly Label[]
  /** Returns all its values. Synchronous, so that no scrape can wait for a database. */
  readonly read: () => readonly { readonly labels?: Record<Label, string>; readonly value: number }[]
}
