import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { SMTPServer } from 'smtp-server'
import { parseLetter, type ReceivedLetter } from './letters.js'

/** The reply with which a mail server refuses a message. */
export type Refusal = { readonly responseCode: number; readonly at: 'recipient' | 'message' }

/** A real SMTP server on loopback that stores the messages it receives. */
export interface Mailbox {
  readonly port: number
  readonly url: string
  readonly letters: readonly ReceivedLetter[]
  /** Sets the reply to messages from now on; `undefined` accepts all. */
  refuse(refusal: Refusal | undefined): void
  /** Waits until this number of letters has arrived. */
  received(count: number, timeoutMs?: number): Promise<readonly ReceivedLetter[]>
  close(): Promise<void>
}

/** Starts the server; port 0 is any free port. */
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
  // A killed sender breaks its connection.
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
