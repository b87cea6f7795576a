import { STATUS_CODES } from 'node:http'
import type { LatchkeyError } from '../../errors.js'

/** The members by which hapi recognises an error with a response (Boom). */
interface BoomMembers {
  readonly isBoom: true
  readonly isServer: boolean
  readonly output: {
    statusCode: number
    headers: Record<string, string>
    payload: { statusCode: number; error: string; message: string; code: string; hint: string }
  }
  /** Renews the response after the message has changed, as that of Boom does. */
  readonly reformat: () => void
}

/**
 * Makes a refusal an error with a response, as Boom's `boomify` does, without the dependency. Its
 * response has the members of hapi's own, and `code` and `hint`.
 */
export function toBoom(error: LatchkeyError): LatchkeyError & BoomMembers {
  const { status, headers, message, code, hint } = error
  const payload = { statusCode: status, error: STATUS_CODES[status] ?? 'Unknown', message, code, hint }
  const output = { statusCode: status, headers: { ...headers }, payload }
  const reformat = () => {
    payload.message = error.message
  }
  return Object.assign(error, { isBoom: true as const, isServer: status >= 500, output, reformat })
}
