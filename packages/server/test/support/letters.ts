import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import PostalMime from 'postal-mime'
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
 * Sends all letters that are due, and returns those to the address so far, oldest first. It works
 * for servers that write letters to a folder.
 */
export async function lettersTo({ server, configuration }: TestServer, address: string): Promise<ReceivedLetter[]> {
  // The first call may join a pass that began before the letter was queued.
  for (let pass = 0; pass < 2; pass += 1) await server.service.mail.outboxWorker?.deliver()
  const { carrier } = configuration.mail
  if (carrier?.kind !== 'folder') throw new TypeError('This server does not leave its letters in a folder.')
  const files = (await readdir(carrier.folder).catch(() => [])).filter((file) => file.endsWith('.eml')).toSorted()
  const letters = await Promise.all(files.map(async (file) => parseLetter(await readFile(join(carrier.folder, file)))))
  return letters.filter(({ to }) => to === address)
}

/** Returns the newest letter to the address with this subject. */
export async function newestLetter(running: TestServer, address: string, subject: string): Promise<ReceivedLetter> {
  const letters = await lettersTo(running, address)
  const found = letters.findLast((letter) => letter.subject === subject)
  if (found === undefined)
    throw new Error(`No such letter, but ${JSON.stringify(letters.map((other) => other.subject))}`)
  return found
}
