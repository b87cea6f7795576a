import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { type MailTransport, messageOptions, type Sender } from './mail-transport.js'

/**
 * Writes each message into a file of the folder, for its owner alone, instead of sending it: for trying things out. Beside it lies its text, because the
 * encoding for the way breaks long links. The files of a message that is written once more are the same.
 */
export function folderTransport(folder: string, from: Sender): MailTransport {
  const writer = createTransport({ streamTransport: true, buffer: true })
  return {
    send: async (message) => {
      const { message: content } = await writer.sendMail(messageOptions(message, from))
      if (!Buffer.isBuffer(content)) throw new TypeError('nodemailer gave a stream in spite of "buffer".')
      const file = `${message.id}-${message.kind}.eml`
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await writeWhole(join(folder, file.replace(/eml$/, 'txt')), message.text)
      await writeWhole(join(folder, file), content)
      return { file }
    },
    close: () => {},
  }
}

/** Under its name a file is always whole. */
async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(`${path}.part`, content, { mode: 0o600 })
  await rename(`${path}.part`, path)
}
