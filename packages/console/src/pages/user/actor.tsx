import { administrator } from '../../administrator.js'
import { consolePath } from '../../base.js'

interface ActorProps {
  /** The actor of an entry of the audit log. */
  readonly actor: string | null
  /** The account that the entry is about. */
  readonly account: string | null
}

/** Who has acted, in words; another account is a link to its page. */
export function Actor({ actor, account }: ActorProps) {
  if (actor === null) return <>unknown</>
  if (actor === 'cli') return <>the operator</>
  if (actor === administrator.value?.id) return <>you</>
  if (actor === account) return <>the owner</>
  return (
    <a href={`${consolePath}/users/${actor}`}>
      <code>{actor}</code>
    </a>
  )
}
