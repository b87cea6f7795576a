import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, readConfiguration } from '@latchkey/server'
import { benchFlags, publish } from '../publish.js'
import type { Table } from '../table.js'
import { type Answer, Guessers } from './guessers.js'
import { Simulation } from './simulation.js'

// A month in simulated time: 1,000 addresses guess the password of one account on a complete
// server, while its owner signs in as usual.

const flags = benchFlags()
const addresses = 1000
const days = flags.quick ? 3 : 35
const dayMs = 86_400_000
const hourMs = 3_600_000
const startMs = Date.UTC(2030, 0, 1)
const home = '198.51.100.1'
const account = { email: 'owner@example.com', password: 'correct horse battery staple' }
/** The order of actors at the same moment: the guessers act before the owner. */
const [first, last] = [0, 1]

let places = 0
let device = ''
const simulation = new Simulation(startMs)
const folder = await mkdtemp(join(tmpdir(), 'latchkey-guessing-'))
const { app, close } = await createServer(configuration(), {
  // The wall clock jumps from event to event. Durations are measured by the machine's clock.
  clock: { now: () => Math.round(simulation.nowMs), monotonic: () => performance.now() },
  // Hashing is replaced, because its cost is not part of this simulation.
  passwords: {
    hash: async (password) => password,
    compare: async (password, hashed) => ({ matches: password === hashed, rehash: false }),
    isOutdated: () => false,
  },
})
try {
  const registered = await post('/v1/register', account, { address: home })
  device = String(registered.json().device_token)
  const guessers = new Guessers(botnet(addresses), (address) => logIn('not the password', { address }))
  simulation.schedule(startMs, first, guessers.act)
  const knownDevice = signInOften({ device, address: somewhere, everyMs: 8 * hourMs })
  const newAtHome = signInOften({ address: () => home, everyMs: dayMs })
  const withDeviceToken = signInWithDeviceToken(dayMs)
  const newElsewhere = (flags.quick ? [2] : [1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31, 34]).map(signInElsewhere)
  await simulation.run(startMs + days * dayMs)
  const results = {
    addresses,
    days,
    guesses: guessers.guesses.length,
    guessesInWorstDay: mostInADay(guessers.guesses),
    guessesInLastDay: guessers.guesses.filter((at) => at >= startMs + (days - 1) * dayMs).length,
    addressesUsed: guessers.used,
    owner: {
      knownDevice,
      newDeviceInKnownNetwork: newAtHome,
      newDeviceVouchedFor: withDeviceToken,
      newDeviceElsewhere: newElsewhere,
    },
  }
  await publish({ name: 'guessing', flags, results, tables: [tableOf(results)] })
} finally {
  await close()
  await rm(folder, { recursive: true, force: true })
}

function configuration() {
  const unlimited = 'address:1000000/60,pair:1000000/60'
  return readConfiguration({
    PORT: '0',
    LATCHKEY_DATA_DIR: folder,
    LATCHKEY_ISSUER: 'http://bench.test',
    LOG_LEVEL: 'error',
    // Rate limits count in real time, and the whole simulation takes about a minute of it. They are
    // lifted so that only the delays after failures apply.
    LATCHKEY_LIMIT_LOGIN: unlimited,
  })
}

function post(path: string, payload: object, { address, device }: { address: string; device?: string | undefined }) {
  const headers = device === undefined ? {} : { 'latchkey-device': device }
  return app.inject({ method: 'POST', url: path, payload, headers, remoteAddress: address })
}

async function logIn(password: string, from: { address: string; device?: string | undefined }): Promise<Answer> {
  const { statusCode, headers } = await post('/v1/login', { email: account.email, password }, from)
  return { status: statusCode, retryAfterMs: Number(headers['retry-after'] ?? 0) * 1000 }
}

/** The outcome of the owner's attempts to sign in with the right password. */
interface SignIns {
  tried: number
  succeededAtOnce: number
}

/** Lets the owner sign in repeatedly, with one typing error before every third sign-in. */
function signInOften({
  device,
  address,
  everyMs,
}: {
  device?: string
  address: () => string
  everyMs: number
}): SignIns {
  const seen: SignIns = { tried: 0, succeededAtOnce: 0 }
  simulation.schedule(startMs + everyMs / 3, last, async (nowMs) => {
    const from = { address: address(), device }
    if (seen.tried % 3 === 2) await logIn('a typing error', from)
    const { status } = await logIn(account.password, from)
    seen.tried += 1
    if (status === 200) seen.succeededAtOnce += 1
    return nowMs + everyMs
  })
  return seen
}

/** Lets the owner sign in on new devices, each with a device token from a signed-in device. */
function signInWithDeviceToken(everyMs: number): SignIns {
  const seen: SignIns = { tried: 0, succeededAtOnce: 0 }
  simulation.schedule(startMs + everyMs / 2, last, async (nowMs) => {
    const signedIn = await post('/v1/login', account, { address: somewhere(), device })
    const headers = { authorization: `Bearer ${signedIn.json().access_token}` }
    const payload = { password: account.password }
    const issued = await app.inject({ method: 'POST', url: '/v1/me/devices', headers, payload })
    const { status } = await logIn(account.password, { address: somewhere(), device: issued.json().device_token })
    seen.tried += 1
    if (status === 200) seen.succeededAtOnce += 1
    return nowMs + everyMs
  })
  return seen
}

/**
 * Lets the owner sign in on a given day with only the password, from an unknown network, and retry
 * when Retry-After says.
 */
function signInElsewhere(day: number) {
  const firstTryMs = startMs + day * dayMs
  const address = somewhere()
  const seen: { day: number; waitedMinutes: number | null } = { day, waitedMinutes: null }
  simulation.schedule(firstTryMs, last, async (nowMs) => {
    const { status, retryAfterMs } = await logIn(account.password, { address })
    if (status === 429) return nowMs + retryAfterMs
    seen.waitedMinutes = Math.round((nowMs - firstTryMs) / 60_000)
    return undefined
  })
  return seen
}

function botnet(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `10.0.${index >> 8}.${index & 255}`)
}

/** Returns an address in a network that was not used before. */
function somewhere(): string {
  places += 1
  return `172.16.${places >> 8}.${places & 255}`
}

function mostInADay(moments: readonly number[]): number {
  let most = 0
  for (let from = 0, until = 0; until < moments.length; until += 1) {
    while ((moments[until] ?? 0) - (moments[from] ?? 0) >= dayMs) from += 1
    most = Math.max(most, until - from + 1)
  }
  return most
}

function tableOf(results: {
  guesses: number
  guessesInWorstDay: number
  guessesInLastDay: number
  addressesUsed: number
  owner: {
    knownDevice: SignIns
    newDeviceInKnownNetwork: SignIns
    newDeviceVouchedFor: SignIns
    newDeviceElsewhere: readonly { day: number; waitedMinutes: number | null }[]
  }
}): Table {
  const { owner } = results
  const often = ({ tried, succeededAtOnce }: SignIns) => `${succeededAtOnce} of ${tried} at once`
  const waits = owner.newDeviceElsewhere.map(({ day, waitedMinutes }) => [
    `  on day ${day}`,
    waitedMinutes === null ? `not before day ${days}` : `after ${waitedMinutes} minutes`,
  ])
  return {
    title: 'A month of password guesses at one account',
    header: [`${addresses} addresses, ${days} days`, ''],
    rows: [
      ['guesses in the worst 24 hours', String(results.guessesInWorstDay)],
      ['guesses in the last 24 hours', String(results.guessesInLastDay)],
      ['guesses in all', String(results.guesses)],
      ['addresses used', String(results.addressesUsed)],
      ['owner, known device, any network', often(owner.knownDevice)],
      ['owner, new device, known network', often(owner.newDeviceInKnownNetwork)],
      ['owner, new device with a token from a known one', often(owner.newDeviceVouchedFor)],
      ['owner, new device and network, password only', ''],
      ...waits,
    ],
  }
}
