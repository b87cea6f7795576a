// Writes docs/configuration.md and docs/cli.md from what the program itself goes by: npm run reference
import { writeFileSync } from 'node:fs'
import { commandReference, configurationReference } from '../dist/cli/reference.js'

writeFileSync(new URL('../../../docs/configuration.md', import.meta.url), configurationReference())
writeFileSync(new URL('../../../docs/cli.md', import.meta.url), commandReference())
