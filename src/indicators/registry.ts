import { UnknownNameError } from "../core/index.js";
import type { Indicator } from "./define.js";
import { adLineIndicator } from "./adline/adline.js";
import { adxIndicator } from "./adx/adx.js";
import { aroonIndicator } from "./aroon/aroon.js";
import { atrIndicator } from "./atr/atr.js";
import { bollingerBandsIndicator } from "./bollingerbands/bollingerbands.js";
import { bollingerBandWidthIndicator } from "./bollingerbandwidth/bollingerbandwidth.js";
import { cciIndicator } from "./cci/cci.js";
import { cmfIndicator } from "./cmf/cmf.js";
import { distanceFromMaIndicator } from "./distancefromma/distancefromma.js";
import { donchianChannelsIndicator } from "./donchianchannels/donchianchannels.js";
import { emaIndicator } from "./ema/ema.js";
import { fisherTransformIndicator } from "./fishertransform/fishertransform.js";
import { ichimokuIndicator } from "./ichimoku/ichimoku.js";
import { keltnerChannelsIndicator } from "./keltnerchannels/keltnerchannels.js";
import { macdIndicator } from "./macd/macd.js";
import { mfiIndicator } from "./mfi/mfi.js";
import { momentumIndicator } from "./momentum/momentum.js";
import { obvIndicator } from "./obv/obv.js";
import { parabolicSarIndicator } from "./parabolicsar/parabolicsar.js";
import { rocIndicator } from "./roc/roc.js";
import { rsiIndicator } from "./rsi/rsi.js";
import { rviIndicator } from "./rvi/rvi.js";
import { smaIndicator } from "./sma/sma.js";
import { squeezeIntensityIndicator } from "./squeezeintensity/squeezeintensity.js";
import { stochasticIndicator } from "./stochastic/stochastic.js";
import { superTrendIndicator } from "./supertrend/supertrend.js";
import { volumeRatioIndicator } from "./volumeratio/volumeratio.js";
import { vwapIndicator } from "./vwap/vwap.js";
import { williamsRIndicator } from "./williamsr/williamsr.js";
import { zigzagIndicator } from "./zigzag/zigzag.js";

/** An indicator whose parameters' type is not known here; they come from its own schema. */
// oxlint-disable-next-line typescript/no-explicit-any -- parameters are contravariant: no other type takes every member
export type AnyIndicator = Indicator<any>;

/** Every indicator by its canonical name. */
export const indicators: Readonly<Record<string, AnyIndicator>> = {
  sma: smaIndicator,
  ema: emaIndicator,
  rsi: rsiIndicator,
  macd: macdIndicator,
  stochastic: stochasticIndicator,
  williamsr: williamsRIndicator,
  atr: atrIndicator,
  adx: adxIndicator,
  bollingerbands: bollingerBandsIndicator,
  bollingerbandwidth: bollingerBandWidthIndicator,
  keltnerchannels: keltnerChannelsIndicator,
  donchianchannels: donchianChannelsIndicator,
  squeezeintensity: squeezeIntensityIndicator,
  cci: cciIndicator,
  momentum: momentumIndicator,
  roc: rocIndicator,
  mfi: mfiIndicator,
  obv: obvIndicator,
  vwap: vwapIndicator,
  volumeratio: volumeRatioIndicator,
  distancefromma: distanceFromMaIndicator,
  parabolicsar: parabolicSarIndicator,
  ichimoku: ichimokuIndicator,
  supertrend: superTrendIndicator,
  aroon: aroonIndicator,
  rvi: rviIndicator,
  cmf: cmfIndicator,
  adline: adLineIndicator,
  fishertransform: fisherTransformIndicator,
  zigzag: zigzagIndicator,
};

/** Canonical names, in the registry's order. */
export const indicatorNames: readonly string[] = Object.keys(indicators);

/** No indicator has this name or alias. */
export class UnknownIndicatorError extends UnknownNameError {
  readonly code = "UNKNOWN_INDICATOR";
  readonly indicator: string;

  constructor(indicator: string) {
    super("indicator", indicator, indicatorNames, byName.keys(), withoutSeparators(indicator));
    this.indicator = indicator;
  }
}

function withoutSeparators(name: string): string {
  return name.toLowerCase().replaceAll("_", "");
}

const byName = new Map<string, AnyIndicator>();
for (const indicator of Object.values(indicators)) {
  for (const name of [indicator.name, ...indicator.aliases]) byName.set(name, indicator);
}

/** The indicator of this name or alias; case and `_` do not matter. @throws UnknownIndicatorError */
export function findIndicator(name: string): AnyIndicator {
  const found = byName.get(withoutSeparators(name));
  if (found === undefined) throw new UnknownIndicatorError(name);
  return found;
}
