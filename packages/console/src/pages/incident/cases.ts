import type { FunctionComponent } from 'preact'
import { DatabaseSteps } from './database-steps.js'
import { DeviceSteps } from './device-steps.js'
import { EverybodySteps } from './everybody-steps.js'
import { MasterKeySteps } from './master-key-steps.js'
import { SecretSteps } from './secret-steps.js'

/** Something that has happened, with the guide to its end. */
export interface IncidentCase {
  /** In the URL. */
  readonly name: string
  readonly title: string
  readonly when: string
  /** The label of the link that leads to the first step. */
  readonly first: string
  /** Whether that link opens the dialog of the first step as well, which needs no choice. */
  readonly opensDialog: boolean
  readonly steps: FunctionComponent
}

/** All cases, the most frequent ones first. */
export const cases: readonly IncidentCase[] = [
  {
    name: 'secret',
    title: 'A secret leaked',
    when: 'A token, a signing secret or the password of one account is known to another person.',
    first: 'End the tokens of an account…',
    opensDialog: false,
    steps: SecretSteps,
  },
  {
    name: 'device',
    title: 'A device was lost',
    when: 'A phone or a laptop with an open session, a passkey or an authenticator app is gone.',
    first: 'End the sessions of its owner…',
    opensDialog: false,
    steps: DeviceSteps,
  },
  {
    name: 'everybody',
    title: 'All users must sign in again',
    when: 'You do not know whose tokens are affected, or a fault has opened accounts: end all of them.',
    first: 'End all sessions…',
    opensDialog: true,
    steps: EverybodySteps,
  },
  {
    name: 'database',
    title: 'The database leaked',
    when: 'A thief has a copy of the database or of a backup, without the master key.',
    first: 'Make the copy worthless…',
    opensDialog: true,
    steps: DatabaseSteps,
  },
  {
    name: 'master-key',
    title: 'A master key leaked',
    when: 'A thief has a master key. Together with a copy of the database it opens every key and secret in it.',
    first: 'End all sessions…',
    opensDialog: true,
    steps: MasterKeySteps,
  },
]
