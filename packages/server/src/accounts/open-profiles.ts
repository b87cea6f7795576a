import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import type { Actors } from '../sessions/actors.js'
import { openProfileRule } from './profile-rule.js'
import { Profiles } from './profiles.js'

/** Opens the profiles by the configured schema. */
export async function openProfiles(
  core: Core,
  actors: Actors,
  { profileSchema, profileClaims }: Configuration,
): Promise<Profiles> {
  const rule = await openProfileRule(profileSchema)
  return new Profiles(core, actors, { rule, claims: profileClaims })
}
