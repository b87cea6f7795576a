import type { Answer } from './api-client.js'
import { lettersTo, type ReceivedLetter } from './letters.js'
import type { TestServer } from './start-server.js'
import type { Device } from './totp-app.js'

/** The answer of a client to a challenge. */
export interface MailedAnswer {
  readonly code?: string
  readonly token?: string
}

/** A letter to sign in with. */
export interface SignInLetter {
  /** As the letter shows it. */
  readonly code: string
  /** The token of the link. */
  readonly token: string
  readonly letter: ReceivedLetter
}

/** The code in a letter, as the letter shows it. */
const codeLine = /^\d{5} \d{5}$/m

/** Asks for the letter. */
export function beginMail({ api }: TestServer, email: string, device: Device = {}): Promise<Answer> {
  return api.post('/v1/login/mail', { body: { email }, headers: headersOf(device) })
}

/** Answers the challenge. */
export function completeMail(
  { api }: TestServer,
  { body }: Pick<Answer, 'body'>,
  answer: MailedAnswer,
  device: Device = {},
): Promise<Answer> {
  const sent = { challenge_token: body.challenge_token, ...answer }
  return api.post('/v1/login/mail/complete', { body: sent, headers: headersOf(device) })
}

/** Returns the letters to sign in with that were sent to the address so far, oldest first. */
export async function signInLetters(running: TestServer, email: string): Promise<SignInLetter[]> {
  const letters = await lettersTo(running, email)
  return letters
    .filter(({ text, link }) => codeLine.test(text) || link?.includes('/sign-in/link') === true)
    .map((letter) => ({ code: codeLine.exec(letter.text)?.[0] ?? '', token: letter.token, letter }))
}

/** Asks for a letter, and returns it with the challenge of the client. */
export async function requestLetter(running: TestServer, email: string, device: Device = {}) {
  const before = (await signInLetters(running, email)).length
  const begun = await beginMail(running, email, device)
  if (begun.status !== 202) throw new Error(`The letter was refused: ${begun.body.code}`)
  const letter = (await signInLetters(running, email))[before]
  if (letter === undefined) throw new Error(`No letter was sent to ${email}.`)
  return { begun, ...letter }
}

/** Returns another code of the same form. */
export function wrongCode(code: string): string {
  return `${(Number(code[0]) + 1) % 10}${code.slice(1)}`
}

function headersOf({ token, from }: Device): Record<string, string> {
  return {
    ...(token === undefined ? {} : { 'latchkey-device': token }),
    ...(from === undefined ? {} : { 'x-forwarded-for': from }),
  }
}
