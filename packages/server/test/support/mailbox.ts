import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { SMTPServer } from 'smtp-server'
import { parseLetter, type ReceivedLetter } from './letters.js'

/** What a mail server does with a message instead of taking it. */
export type Refusal = { readonly responseCode: number; readonly at: 'recipient' | 'message' }

/** A real SMTP server on loopback that keeps what it is given. */
export interface Mailbox {
  readonly port: number
  readonly url: string
  readonly letters: readonly ReceivedLetter[]
  /** From now on answers so; `undefined`: takes everything. */
  refuse(refusal: Refusal | undefined): void
  /** Waits until so many letters have come. */
  received(count: number, timeoutMs?: number): Promise<readonly ReceivedLetter[]>
  close(): Promise<void>
}

/** `port`: 0 for any free one. */
export async function startMailbox(port = 0): Promise<Mailbox> {
  const letters: ReceivedLetter[] = []
  let refusal: Refusal | undefined
  const refusalAt = (at: Refusal['at']) =>
    refusal?.at === at ? Object.assign(new Error('Refused.'), { responseCode: refusal.responseCode }) : null
  const server = new SMTPServer({
    authOptional: true,
    allowInsecureAuth: true,
    onAuth: ({ username }, _session, done) => done(null, { user: username ?? '' }),
    disabledCommands: ['STARTTLS'],
    onRcptTo: (_address, _session, done) => done(refusalAt('recipient')),
    onData: (stream, _session, done) => {
      void buffer(stream).then(async (raw) => {
        const refused = refusalAt('message')
        if (refused === null) letters.push(await parseLetter(raw))
        done(refused)
      })
    },
  })
  // A sender that is killed breaks its connection.
  server.on('error', () => {})
  server.listen(port, '127.0.0.1')
  await once(server.server, 'listening')
  const bound = (server.server.address() as AddressInfo).port
  return {
    port: bound,
    url: `smtp://127.0.0.1:${bound}`,
    letters,
    refuse: (next) => {
      refusal = next
    },
    received: async (count, timeoutMs = 20_000) => {
      const deadline = Date.now() + timeoutMs
      while (letters.length < count) {
        if (Date.now() > deadline) throw new Error(`Only ${letters.length} of ${count} letters have come.`)
        await sleep(20)
      }
      return letters
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
