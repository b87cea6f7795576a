import type { RevealedClient } from '../admin/client-administration.js'
import { clientJson } from './client-json.js'
import type { CommandContext } from './command-context.js'
import { print, printable } from './terminal/print.js'

/**
 * Prints the ID of a client and its new secret, which is not stored and can never be printed again.
 */
export function printNewSecret(
  { client, secret }: RevealedClient,
  options: { readonly json?: boolean },
  context: CommandContext,
): void {
  const text = [`client_id      ${client.id}`, `client_secret  ${secret}`].join('\n')
  print({ json: { ...clientJson(client), client_secret: secret }, text }, options, context)
  if (options.json !== true) {
    context.stderr.write(`Store the secret of ${printable(client.name)} now: it is not shown again.\n`)
  }
}
