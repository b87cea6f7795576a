import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import PostalMime from 'postal-mime'
import { vi } from 'vitest'
import type { TestServer } from './start-server.js'

/** A letter as its recipient receives it. */
export interface ReceivedLetter {
  readonly to: string
  readonly from: string
  readonly subject: string
  readonly text: string
  readonly html: string
  readonly headers: readonly { readonly key: string; readonly value: string }[]
  /** The link in the letter, or `undefined`. */
  readonly link: string | undefined
  /** The text after "#token=" in the link; empty when there is none. */
  readonly token: string
}

/** Parses a message of RFC 5322. */
export async function parseLetter(raw: Uint8Array): Promise<ReceivedLetter> {
  const { to, from, subject = '', text = '', html = '', headers } = await PostalMime.parse(raw)
  const link = /^https?:\S+$/m.exec(text)?.[0]
  const token = link?.split('#token=')[1] ?? ''
  const [receiver] = to ?? []
  return { to: receiver?.address ?? '', from: from?.address ?? '', subject, text, html, headers, link, token }
}

/**
 * Sends all letters that are due. Twice, because the first call may join a pass of the server's job
 * that began before a letter was queued, or before the clock was advanced.
 */
export async function deliverLetters({ server }: Pick<TestServer, 'server'>): Promise<void> {
  for (let pass = 0; pass < 2; pass += 1) await server.service.mail.outboxWorker?.deliver()
}

/**
 * Sends all letters that are due, and returns those to the address so far, oldest first. It works
 * for servers that write letters to a folder.
 */
export async function lettersTo(running: TestServer, address: string): Promise<ReceivedLetter[]> {
  const { server, configuration, clock } = running
  await deliverLetters(running)
  // Another server of the same database may be sending one.
  const claimed = 'select id from server_outbox where attempts = 1 and due_at > $1'
  const isClaimed = async () => (await server.service.store.query(claimed, [clock.now()])).rows.length > 0
  while (await isClaimed()) await sleep(50)
  const { carrier } = configuration.mail
  if (carrier?.kind !== 'folder') throw new TypeError('This server does not leave its letters in a folder.')
  const files = (await readdir(carrier.folder).catch(() => [])).filter((file) => file.endsWith('.eml')).toSorted()
  const letters = await Promise.all(files.map(async (file) => parseLetter(await readFile(join(carrier.folder, file)))))
  return letters.filter(({ to }) => to === address)
}

/**
 * Stops the job of a server that sends letters, and waits for the letters that it is sending.
 *
 * @returns the function that resumes it
 */
export async function holdLetters({ server }: TestServer): Promise<() => void> {
  const { outboxWorker } = server.service.mail
  if (outboxWorker === undefined) throw new TypeError('This server sends no letters.')
  const deliver = outboxWorker.deliver.bind(outboxWorker)
  const held = vi.spyOn(outboxWorker, 'deliver').mockResolvedValue()
  await deliver()
  return () => held.mockRestore()
}

/** Returns the newest letter to the address with this subject. */
export async function newestLetter(running: TestServer, address: string, subject: string): Promise<ReceivedLetter> {
  const letters = await lettersTo(running, address)
  const found = letters.findLast((letter) => letter.subject === subject)
  if (found === undefined)
    throw new Error(`No such letter, but ${JSON.stringify(letters.map((other) => other.subject))}`)
  return found
}
