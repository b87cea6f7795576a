import type { Command } from 'commander'
import { rotateServiceKeys } from '../admin/service-keys.js'
import type { CommandContext } from './command-context.js'
import { jsonOption, print } from './terminal/print.js'
import { withService } from './with-service.js'

/** Adds `latchkey keys rotate`. */
export function addRotateKeys(parent: Command, context: CommandContext): void {
  parent
    .command('rotate')
    .description(
      'sign tokens for other services with the next key pair; wait between two rotations until all services have fetched the JWKS',
    )
    .option(...jsonOption)
    .action((options: { json?: boolean }) =>
      withService(context, async (service) => {
        await rotateServiceKeys(service)
        const pairs = await service.store.readKeyPairs()
        const kid = pairs.find(({ stage }) => stage === 'current')?.kid ?? null
        const text = `The key pair ${kid} signs tokens for other services. The previous one verifies until its tokens expire.`
        print({ json: { kid }, text }, options, context)
      }),
    )
}
