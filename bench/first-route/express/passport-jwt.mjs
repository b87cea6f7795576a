import express from 'express'
import jwt from 'jsonwebtoken'
import passport from 'passport'
import { ExtractJwt, Strategy } from 'passport-jwt'

const secret = process.env.JWT_SECRET
const options = { jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), secretOrKey: secret }
passport.use(new Strategy(options, ({ sub }, done) => done(null, { id: sub })))
const app = express()
app.post('/sign-in', (_req, res) => res.json({ token: jwt.sign({ sub: 'ada' }, secret, { expiresIn: '15m' }) }))
app.get('/me', passport.authenticate('jwt', { session: false }), (req, res) => res.json({ id: req.user.id }))
app.listen(process.env.PORT)
