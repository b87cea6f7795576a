import autocannon from 'autocannon'
import { password } from './password-check.js'

/** A user that is signed in. */
export interface Visitor {
  readonly email: string
  readonly accessToken: string
  readonly refreshToken: string
  /** Sent with each login, as a browser does. */
  readonly deviceToken: string
}

/** The throughput and latency of one kind of request. */
export interface Rate {
  readonly count: number
  readonly perSecond: number
  readonly p99Ms: number
}

const headers = { 'content-type': 'application/json' }
const connections = 16

/** Registers this many visitors, three at a time. */
export async function registerVisitors(url: string, count: number): Promise<readonly Visitor[]> {
  const visitors: Visitor[] = []
  const register = async (): Promise<void> => {
    while (visitors.length < count) {
      const email = `${crypto.randomUUID()}@example.com`
      const response = await fetch(`${url}/v1/register`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ email, password }),
      })
      if (response.status !== 201) throw new Error(`A registration was answered with ${response.status}.`)
      const tokens = (await response.json()) as Record<'access_token' | 'refresh_token' | 'device_token', string>
      visitors.push({
        email,
        accessToken: tokens.access_token,
        refreshToken: tokens.refresh_token,
        deviceToken: tokens.device_token,
      })
    }
  }
  await Promise.all([register(), register(), register()])
  return visitors
}

/** Measures repeated sign-ins of the visitors. */
export function measureLogins(url: string, visitors: readonly Visitor[], durationSec: number): Promise<Rate> {
  let connected = 0
  return measure(url, durationSec, (client) => {
    const own = visitors.filter((_, at) => at % connections === connected)
    connected += 1
    client.setRequests(
      own.map(({ email, deviceToken }) => ({
        method: 'POST',
        path: '/v1/login',
        headers: { ...headers, 'latchkey-device': deviceToken },
        body: JSON.stringify({ email, password }),
      })),
    )
  })
}

/** Measures verifications of the access tokens at a constant rate, because only latency matters. */
export async function measureVerifications(
  url: string,
  visitors: readonly Visitor[],
  durationSec: number,
): Promise<Rate> {
  return measure(
    url,
    durationSec,
    (client) => {
      client.setRequests(
        visitors.map(({ accessToken }) => ({
          path: '/v1/forward-auth',
          headers: { authorization: `Bearer ${accessToken}` },
        })),
      )
    },
    { connections: 1, overallRate: 100 },
  )
}

/** Measures refreshes. Each connection refreshes one session, with the token of the last answer. */
export function measureRefreshes(url: string, visitors: readonly Visitor[], durationSec: number): Promise<Rate> {
  let connected = 0
  return measure(url, durationSec, (client) => {
    const bodyOf = (token: unknown) => JSON.stringify({ refresh_token: token })
    let body = bodyOf(visitors[connected]?.refreshToken)
    connected += 1
    client.setRequests([
      {
        method: 'POST',
        path: '/v1/refresh',
        headers,
        setupRequest: (request) => ({ ...request, body }),
        onResponse: (status, answer) => {
          if (status === 200) body = bodyOf(JSON.parse(answer).refresh_token)
        },
      },
    ])
  })
}

async function measure(
  url: string,
  durationSec: number,
  setupClient: (client: autocannon.Client) => void,
  pace: Pick<autocannon.Options, 'connections' | 'overallRate'> = { connections },
): Promise<Rate> {
  const { requests, latency, non2xx, errors } = await autocannon({
    url,
    ...pace,
    duration: durationSec,
    setupClient,
  })
  if (non2xx > 0 || errors > 0) throw new Error(`${non2xx} refusals and ${errors} errors.`)
  return { count: requests.total, perSecond: requests.total / durationSec, p99Ms: latency.p99 }
}
