import { setTimeout as sleep } from 'node:timers/promises'
import { StartupFailure } from '../../startup-failure.js'

/** How often a call to Google Cloud is attempted. */
export interface RetryOptions {
  readonly attempts: number
  /** Milliseconds before the second attempt; the delay doubles with each attempt. */
  readonly firstDelayMs: number
}

/**
 * About 13 seconds of delays in total. The metadata server of a new pod answers within the first
 * few.
 */
export const defaultRetry: RetryOptions = { attempts: 7, firstDelayMs: 200 }

const attemptTimeoutMs = 5000

/** A failure that another attempt may not repeat. */
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

/**
 * Repeats the attempt while it fails with a TransientFailure. Throws `kms_unavailable` after the
 * last one.
 */
export async function withRetries<T>(attempt: () => Promise<T>, { attempts, firstDelayMs }: RetryOptions): Promise<T> {
  for (let made = 1; ; made++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof TransientFailure)) throw error
      if (made >= attempts) {
        const hint = 'Check that this machine can reach Cloud KMS and the metadata server, then start again.'
        throw new StartupFailure(
          'kms_unavailable',
          'The master keys cannot be decrypted because Cloud KMS is unavailable.',
          hint,
          error,
        )
      }
    }
    await sleep(firstDelayMs * 2 ** (made - 1) * (0.75 + Math.random() / 2))
  }
}

/**
 * Sends one request and returns a successful answer. Throws a TransientFailure or a RefusedCall.
 * Follows no redirect, because the request may contain an access token.
 */
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
    throw new TransientFailure(`${origin} did not answer: ${reasonOf(error)}`)
  }
}

/** Omits the message of the parser, because it repeats the text, which may be a token or a key. */
function parseBody(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new TransientFailure('The answer is not JSON.')
  }
}

/**
 * Returns the message of an error of Google, which names the missing permission or the resource.
 */
function reasonIn(text: string): string {
  const message = /"message":\s*"((?:[^"\\]|\\.){1,300})/.exec(text)?.[1]
  return message === undefined ? '.' : `: ${message}`
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
