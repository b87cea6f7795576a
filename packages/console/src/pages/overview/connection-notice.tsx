import { Button } from '../../ui/button.js'
import { Time } from '../../ui/time.js'
import type { LiveFeedState } from './live-feed.js'

type ConnectionNoticeProps = Omit<LiveFeedState, 'history'> & {
  /** The time of the last state that the page shows. */
  readonly since: string | undefined
  readonly retry: () => void
}

/** What the end of a stream means, by its code. */
const words: Readonly<Record<string, string>> = {
  store_unavailable:
    'The database does not answer. Until it does, tokens are refused with 503, and never accepted unchecked. Check that it runs, and that the servers reach it.',
  store_closed: 'The database does not answer: this server has closed its connections.',
  store_busy: 'The database is overloaded: its transactions wait for each other.',
  not_ready: 'This server stops. Another one takes over, or it starts again.',
  server_unreachable: 'The server does not answer. Check that it runs, and the network between it and this browser.',
  live_streams_exhausted: 'Your account has this page open too often. Close one of the others.',
  admin_required: 'Your account is no administrator any more.',
}

/** Says whether the numbers of the page are live, and if not, why. */
export function ConnectionNotice({ connection, problem, since, retry }: ConnectionNoticeProps) {
  return (
    <div role="status" class={`connection ${connection}`}>
      {connection === 'live' ? <p>Live</p> : null}
      {connection === 'connecting' ? <p>Connecting…</p> : null}
      {connection === 'reconnecting' || connection === 'ended' ? (
        <div class="notice problem">
          <p>
            <strong>{connection === 'reconnecting' ? 'Reconnecting…' : 'The live view has ended.'}</strong>{' '}
            {problem === undefined ? null : (words[problem.code] ?? `${problem.message} ${problem.hint}`)}
          </p>
          <p class="hint">
            {problem === undefined ? null : <code>{problem.code}</code>}
            {since === undefined ? null : (
              <>
                {' '}
                · the numbers below are from <Time at={since} />
              </>
            )}
          </p>
          {connection === 'ended' ? <Button onClick={retry}>Try again</Button> : null}
        </div>
      ) : null}
    </div>
  )
}
