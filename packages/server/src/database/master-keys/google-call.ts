import { setTimeout as sleep } from 'node:timers/promises'
import { StartupFailure } from '../../startup-failure.js'

/** How long a call to Google Cloud is kept up. */
export interface RetryOptions {
  readonly attempts: number
  /** Milliseconds before the second attempt; each further wait is twice as long. */
  readonly firstDelayMs: number
}

/** About 13 seconds of waiting in all: the metadata server of a new pod answers within the first few. */
export const defaultRetry: RetryOptions = { attempts: 7, firstDelayMs: 200 }

const attemptTimeoutMs = 5000

/** A failure that may be gone at the next attempt. */
export class TransientFailure extends Error {
  override readonly name = 'TransientFailure'
}

/** An answer that another attempt would not change. */
export class RefusedCall extends Error {
  override readonly name = 'RefusedCall'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Makes the attempt until it does not fail in passing. Throws `kms_unavailable` when retry ends. */
export async function withRetries<T>(attempt: () => Promise<T>, { attempts, firstDelayMs }: RetryOptions): Promise<T> {
  for (let made = 1; ; made++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof TransientFailure)) throw error
      if (made >= attempts) {
        const hint = 'Check that this machine may reach Cloud KMS and the metadata server, then start again.'
        throw new StartupFailure('kms_unavailable', 'Cloud KMS cannot be asked for the master keys.', hint, error)
      }
    }
    await sleep(firstDelayMs * 2 ** (made - 1) * (0.75 + Math.random() / 2))
  }
}

/** One request that must be answered with 200. Throws a TransientFailure or a RefusedCall. Never follows elsewhere: it may carry an access token. */
export async function callGoogle(url: string, init: RequestInit): Promise<{ headers: Headers; body: unknown }> {
  const { origin } = new URL(url)
  try {
    const response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(attemptTimeoutMs) })
    const text = await response.text()
    if (response.ok) return { headers: response.headers, body: parseBody(text) }
    const message = `${origin} answered ${response.status}${reasonIn(text)}`
    if (response.status === 429 || response.status >= 500) throw new TransientFailure(message)
    throw new RefusedCall(response.status, message)
  } catch (error) {
    if (error instanceof TransientFailure || error instanceof RefusedCall) throw error
    throw new TransientFailure(`${origin} gave no answer: ${reasonOf(error)}`)
  }
}

/** Without the parser's own words, which repeat the text: it may be a token or a key. */
function parseBody(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new TransientFailure('The answer is no JSON.')
  }
}

/** What Google says of an error: a status such as PERMISSION_DENIED and a sentence that names the permission or the resource. */
function reasonIn(text: string): string {
  const said = /"message":\s*"((?:[^"\\]|\\.){1,300})/.exec(text)?.[1]
  return said === undefined ? '.' : `: ${said}`
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
