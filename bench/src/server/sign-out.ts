import type { Call, Protocol, Visitor } from './protocols.js'
import { registerVisitors, send, sendOk } from './send.js'

/**
 * Milliseconds until a second process refuses a session; `undefined`: it still accepts the session
 * after the limit.
 */
export type SignOutTime = number | undefined

/** The times of a sign-out from one session, and from all sessions. */
export interface SignOutTimes {
  readonly oneMs: readonly SignOutTime[]
  readonly allMs: readonly SignOutTime[]
}

/** A sign-out that was not seen in this time is one that the second process cannot see. */
export const signOutLimitMs = 3000

/** Measures sign-outs at the first process by requests to the second one, after the answer. */
export async function measureSignOut(
  urls: readonly [string, string],
  protocol: Protocol,
  times: number,
): Promise<SignOutTimes> {
  return {
    oneMs: await repeat(urls, protocol, { times, endOf: (visitor) => protocol.signOut(visitor) }),
    allMs: await repeat(urls, protocol, { times, endOf: (visitor) => protocol.signOutEverywhere(visitor) }),
  }
}

async function repeat(
  [first, second]: readonly [string, string],
  protocol: Protocol,
  { times, endOf }: { readonly times: number; readonly endOf: (visitor: Visitor) => Call },
): Promise<readonly SignOutTime[]> {
  const result: SignOutTime[] = []
  for (const visitor of await registerVisitors(first, protocol, times)) {
    const isSignedIn = async () => protocol.isSignedIn(await send(second, protocol.whoAmI(visitor)))
    if (!(await isSignedIn())) throw new Error(`${protocol.readyPath}: the second process refuses a new session.`)
    await sendOk(first, endOf(visitor))
    const endedAt = performance.now()
    let accepted = true
    while (accepted && performance.now() - endedAt < signOutLimitMs) accepted = await isSignedIn()
    result.push(accepted ? undefined : performance.now() - endedAt)
    // The others would be accepted as long.
    if (accepted) break
  }
  return result
}
