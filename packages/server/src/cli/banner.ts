import { resolve } from 'node:path'
import { isOpenToAll } from '../accounts/registration-rule.js'
import type { Configuration } from '../config/configuration.js'
import { databaseSettings } from '../config/database-settings.js'
import type { OpenDatabase } from '../database/open-database.js'

/** The facts about a server that has just started. */
export interface BannerFacts {
  readonly url: string
  readonly configuration: Configuration
  readonly database: OpenDatabase
  readonly hasAdmin: boolean
}

/** Returns the text that a started server prints at a terminal. */
export function banner({ url, configuration, database, hasAdmin }: BannerFacts): string {
  const { issuer, pages, console, registration } = configuration
  const body = `{"email":"ada@example.com","password":"correct horse battery staple"}`
  return [
    '',
    `  Latchkey is up at ${url}`,
    '',
    `  data         ${database.place}`,
    `  master key   ${database.masterKeyPlace}`,
    ...(pages === 'on' ? [`  sign-in      ${issuer}/sign-in`] : []),
    ...(pages === 'on' && console === 'on' ? [`  console      ${issuer}/console`] : []),
    `  API          ${url}/docs`,
    '',
    ...(hasAdmin
      ? []
      : ['  Create the first administrator, in another terminal:', '', `    ${adminCommand(configuration)}`, '']),
    ...(isOpenToAll(registration)
      ? [
          '  Register a user:',
          '',
          `    curl ${url}/v1/register -H 'Content-Type: application/json' \\`,
          `      -d '${body}'`,
          '',
        ]
      : []),
    '  Ctrl-C stops the server.',
    '',
    '',
  ].join('\n')
}

/** Returns the command that creates an administrator, on a developer's machine. */
function adminCommand({ database }: Configuration): string {
  const command = 'npx latchkey admin create you@example.com'
  if (database.kind === 'postgres') return `${command}   (with the same environment)`
  const elsewhere = database.folder !== databaseSettings.folder.default
  return elsewhere ? `LATCHKEY_DATA_DIR=${quote(resolve(database.folder))} ${command}` : command
}

function quote(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
