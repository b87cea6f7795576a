import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, readConfiguration } from '@latchkey/server'
import { benchFlags, publish } from '../publish.js'
import type { Table } from '../table.js'
import { type Answer, Guessers } from './guessers.js'
import { Simulation } from './simulation.js'

// A month in simulated time: 1,000 addresses guess at one account of a whole server, while its owner signs in as people do.

const flags = benchFlags()
const addresses = 1000
const days = flags.quick ? 3 : 35
const dayMs = 86_400_000
const hourMs = 3_600_000
const startMs = Date.UTC(2030, 0, 1)
const home = '198.51.100.1'
const account = { email: 'owner@example.com', password: 'correct horse battery staple' }
/** Before all others who act at the same moment, or after them. */
const [first, last] = [0, 1]

let places = 0
let device = ''
const simulation = new Simulation(startMs)
const folder = await mkdtemp(join(tmpdir(), 'latchkey-guessing-'))
const { app, close } = await createServer(configuration(), {
  // Jumps from event to event; what measures real durations goes on with the machine's time.
  clock: { now: () => Math.round(simulation.nowMs), monotonic: () => performance.now() },
  // The work of a hash is no part of what is shown.
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
  simulation.enter(startMs, first, guessers.act)
  const knownDevice = signInOften({ device, address: somewhere, everyMs: 8 * hourMs })
  const newAtHome = signInOften({ address: () => home, everyMs: dayMs })
  const vouchedFor = signInVouched(dayMs)
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
      newDeviceVouchedFor: vouchedFor,
      newDeviceElsewhere: newElsewhere,
    },
  }
  await publish({ name: 'guessing', flags, results, tables: [tableOf(results)] })
} finally {
  await close()
  await rm(folder, { recursive: true, force: true })
}

function configuration() {
  const roomy = 'address:1000000/60,pair:1000000/60'
  return readConfiguration({
    PORT: '0',
    LATCHKEY_DATA_DIR: folder,
    LATCHKEY_ISSUER: 'http://bench.test',
    LOG_LEVEL: 'error',
    // They are counted in real time, in which all this takes a minute; here the delays stand alone.
    LATCHKEY_LIMIT_LOGIN: roomy,
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

/** What became of somebody's attempts to sign in with the right password. */
interface SignIns {
  tried: number
  succeededAtOnce: number
}

/** The owner signs in again and again, and mistypes the password once before every third time. */
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
  simulation.enter(startMs + everyMs / 3, last, async (nowMs) => {
    const from = { address: address(), device }
    if (seen.tried % 3 === 2) await logIn('a typing error', from)
    const { status } = await logIn(account.password, from)
    seen.tried += 1
    if (status === 200) seen.succeededAtOnce += 1
    return nowMs + everyMs
  })
  return seen
}

/** Before each login the owner has a device that is signed in vouch for a new one. */
function signInVouched(everyMs: number): SignIns {
  const seen: SignIns = { tried: 0, succeededAtOnce: 0 }
  simulation.enter(startMs + everyMs / 2, last, async (nowMs) => {
    const signedIn = await post('/v1/login', account, { address: somewhere(), device })
    const headers = { authorization: `Bearer ${signedIn.json().access_token}` }
    const payload = { password: account.password }
    const vouched = await app.inject({ method: 'POST', url: '/v1/me/devices', headers, payload })
    const { status } = await logIn(account.password, { address: somewhere(), device: vouched.json().device_token })
    seen.tried += 1
    if (status === 200) seen.succeededAtOnce += 1
    return nowMs + everyMs
  })
  return seen
}

/** The owner comes on some day with nothing but the password, from a network never seen, and comes again when Retry-After says. */
function signInElsewhere(day: number) {
  const arrivedMs = startMs + day * dayMs
  const address = somewhere()
  const seen: { day: number; waitedMinutes: number | null } = { day, waitedMinutes: null }
  simulation.enter(arrivedMs, last, async (nowMs) => {
    const { status, retryAfterMs } = await logIn(account.password, { address })
    if (status === 429) return nowMs + retryAfterMs
    seen.waitedMinutes = Math.round((nowMs - arrivedMs) / 60_000)
    return undefined
  })
  return seen
}

function botnet(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `10.0.${index >> 8}.${index & 255}`)
}

/** A network in which nobody has been before. */
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
    title: 'A month of guessing at one account',
    header: [`${addresses} addresses, ${days} days`, ''],
    rows: [
      ['guesses in the worst 24 hours', String(results.guessesInWorstDay)],
      ['guesses in the last 24 hours', String(results.guessesInLastDay)],
      ['guesses in all', String(results.guesses)],
      ['addresses used', String(results.addressesUsed)],
      ['owner, known device, any network', often(owner.knownDevice)],
      ['owner, new device, known network', often(owner.newDeviceInKnownNetwork)],
      ['owner, new device that a known one vouched for', often(owner.newDeviceVouchedFor)],
      ['owner, new device and network, password only', ''],
      ...waits,
    ],
  }
}
