// Writes docs/reference/configuration.md and docs/reference/cli.md from what the program itself goes by: npm run reference
import { writeFileSync } from 'node:fs'
import { commandReference, configurationReference } from '../dist/cli/reference.js'

writeFileSync(new URL('../../../docs/reference/configuration.md', import.meta.url), configurationReference())
writeFileSync(new URL('../../../docs/reference/cli.md', import.meta.url), commandReference())
