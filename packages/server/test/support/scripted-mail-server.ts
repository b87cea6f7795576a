import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** Replies that refuse a kind of command; `.` is the end of a message. */
export type Answers = Partial<Record<'AUTH' | 'MAIL' | 'RCPT' | 'DATA' | '.', string>>

/** A mail server with scripted replies, which otherwise accepts all messages. */
export interface ScriptedMailServer {
  readonly url: string
  /** The recipients of accepted messages. */
  readonly taken: readonly string[]
  /** Sets the replies from now on, on new connections. */
  answer(answers: Answers): void
  close(): Promise<void>
}

export async function startScriptedMailServer(): Promise<ScriptedMailServer> {
  const taken: string[] = []
  let answers: Answers = {}
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    let recipient = ''
    let inMessage = false
    const say = (text: string) => socket.write(`${text}\r\n`)
    const reply = (verb: string, line: string): string => {
      const scripted = answers[verb as keyof Answers]
      if (scripted !== undefined) return scripted
      if (verb === 'EHLO') return '250-mail.test\r\n250 AUTH PLAIN'
      if (verb === 'AUTH') return '235 2.7.0 ok'
      if (verb === 'RCPT') recipient = /<(.*)>/.exec(line)?.[1] ?? ''
      if (verb === 'DATA') return '354 go on'
      if (verb === '.') taken.push(recipient)
      return '250 2.0.0 ok'
    }
    socket.on('error', () => {})
    say('220 mail.test ESMTP')
    createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => {
      if (inMessage && line !== '.') return
      const verb = line.split(/[ :]/)[0]?.toUpperCase() ?? ''
      const text = reply(verb, line)
      inMessage = text.startsWith('354')
      say(text)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `smtp://ops%40example.com:p%40ss%2Fw%3Ard%25@127.0.0.1:${port}`,
    taken,
    answer: (next) => {
      answers = next
      for (const socket of sockets) socket.destroy()
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
