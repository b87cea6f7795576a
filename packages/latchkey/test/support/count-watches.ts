import type { Latchkey } from '../../src/latchkey-api.js'

/** The functions of a Latchkey that guards of connections use, and the number of open watches. */
export interface CountedLatchkey extends Pick<Latchkey, 'verify' | 'watch'> {
  readonly watches: number
}

export function countWatches(latchkey: Latchkey): CountedLatchkey {
  let watches = 0
  return {
    verify: (token) => latchkey.verify(token),
    watch(auth, ended) {
      let isOpen = true
      const close = () => {
        watches -= isOpen ? 1 : 0
        isOpen = false
      }
      const stop = latchkey.watch(auth, (reason) => {
        close()
        ended(reason)
      })
      watches += 1
      return () => {
        close()
        stop()
      }
    },
    get watches() {
      return watches
    },
  }
}
