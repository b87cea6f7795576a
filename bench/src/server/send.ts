import { fromNextAddress } from './client-addresses.js'
import type { Answer, Call, Protocol, Visitor } from './protocols.js'
import { password } from './settings.js'

/** Sends one request from another client address each time. */
export async function send(url: string, { method, path, headers, body }: Call): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { origin: url, ...fromNextAddress(), ...headers },
    ...(body === undefined ? {} : { body }),
  })
  return { status: response.status, body: await response.text(), cookies: response.headers.getSetCookie() }
}

/** Sends a request that must succeed. */
export async function sendOk(url: string, call: Call): Promise<Answer> {
  const answer = await send(url, call)
  if (answer.status >= 300) throw new Error(`${call.path} was answered with ${answer.status}: ${answer.body}`)
  return answer
}

/** Registers this many users, a few at a time. */
export function registerVisitors(url: string, protocol: Protocol, count: number): Promise<readonly Visitor[]> {
  const emails = Array.from({ length: count }, newEmail)
  return inParallel(emails, async (email) => protocol.visitorOf(email, await sendOk(url, protocol.signUp(email))))
}

/** Signs these users in once more. */
export function signInAgain(
  url: string,
  protocol: Protocol,
  visitors: readonly Visitor[],
): Promise<readonly Visitor[]> {
  return inParallel(visitors, async (visitor) => ({
    ...protocol.visitorOf(visitor.email, await sendOk(url, protocol.signIn(visitor))),
    device: visitor.device,
  }))
}

/** Throws unless the server signs users in, and refuses wrong passwords and anonymous requests. */
export async function checkServer(url: string, protocol: Protocol): Promise<void> {
  const [visitor] = await registerVisitors(url, protocol, 1)
  if (visitor === undefined) throw new Error('A sign-up has no result.')
  const again = protocol.visitorOf(visitor.email, await sendOk(url, protocol.signIn(visitor)))
  const isSignedIn = async (access: Visitor['access']) =>
    protocol.isSignedIn(await send(url, protocol.whoAmI({ ...again, access })))
  if (!(await isSignedIn(again.access))) throw new Error(`${protocol.readyPath}: a session is refused.`)
  if (await isSignedIn({})) throw new Error(`${protocol.readyPath}: a request without a session is accepted.`)
  const call = protocol.signIn(visitor)
  const wrong = { ...call, body: JSON.stringify({ email: visitor.email, password: `${password}!` }) }
  if ((await send(url, wrong)).status !== 401) throw new Error(`${protocol.readyPath}: a wrong password is accepted.`)
  await sendOk(url, protocol.refresh(again))
}

export function newEmail(): string {
  return `${crypto.randomUUID()}@example.com`
}

async function inParallel<Item, Result>(
  items: readonly Item[],
  perform: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  const queue = items.entries()
  const work = async () => {
    for (const [at, item] of queue) results[at] = await perform(item)
  }
  await Promise.all([work(), work(), work(), work()])
  return results
}
