import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { type MailTransport, messageOptions, type Sender } from './mail-transport.js'

/**
 * Writes each message into a file of the folder instead of sending it, for trying things out. Only
 * the owner may read the files. A second file contains the plain text, because the transfer
 * encoding breaks long links. Writing a message again replaces its files.
 */
export function folderTransport(folder: string, from: Sender): MailTransport {
  const writer = createTransport({ streamTransport: true, buffer: true })
  return {
    send: async (message) => {
      const { message: content } = await writer.sendMail(messageOptions(message, from))
      if (!Buffer.isBuffer(content)) throw new TypeError('nodemailer returned a stream in spite of "buffer".')
      const file = `${message.id}-${message.kind}.eml`
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await writeWhole(join(folder, file.replace(/eml$/, 'txt')), message.text)
      await writeWhole(join(folder, file), content)
      return { file }
    },
    close: () => {},
  }
}

/** Writes under another name first, so that a file is complete as soon as it has its name. */
async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(`${path}.part`, content, { mode: 0o600 })
  await rename(`${path}.part`, path)
}
