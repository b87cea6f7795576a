// npm run reference: writes docs/reference/configuration.md and docs/reference/cli.md from the
// tables of settings and commands.
import { writeFileSync } from 'node:fs'
import { commandReference, configurationReference } from '../dist/cli/reference.js'

writeFileSync(new URL('../../../docs/reference/configuration.md', import.meta.url), configurationReference())
writeFileSync(new URL('../../../docs/reference/cli.md', import.meta.url), commandReference())
