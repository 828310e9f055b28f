// The microphone: opening it, what it hears, and what to do if there is none.

const INSECURE = "Browsers give the microphone only to pages of this computer and to pages over https. "
  + "Open this page as http://localhost, or put the server behind https. Files can be transcribed here all the same.";
const REFUSALS = {
  NotAllowedError: "The microphone is not allowed. Allow it for this page (the sign at the left of the address), then record again.",
  NotFoundError: "No microphone was found. Connect one, then record again; or record elsewhere and choose the file.",
  NotReadableError: "The microphone cannot be used: another program may have it. Close that program, then record again.",
};

/** Returns what to do about an error of the microphone. */
function adviceFor(error) {
  if (error.message === INSECURE || error instanceof ServerError) return error.message;
  return REFUSALS[error.name] ?? `The microphone cannot be used: ${error.message}`;
}

/** Resolves to a running microphone; ``heard(packet, peak, rate)`` gets every packet of 16-bit
 * samples. All is made ready before the microphone is opened, so that no word is lost. */
async function openMicrophone(wantedRate, device, heard) {
  if (!navigator.mediaDevices?.getUserMedia) throw new Error(INSECURE);
  // What browsers do to voices in calls takes away sounds that the model knows.
  const plain = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const audio = device ? { ...plain, deviceId: { exact: device } } : plain;
  let context = await contextOf(wantedRate);
  let stream = null;
  const close = () => {
    stream?.getTracks().forEach((track) => track.stop());
    context.close();
  };
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio });
    let source;
    try {
      source = context.createMediaStreamSource(stream);
    } catch { // this browser does not change the rate of a microphone: the server does
      await context.close();
      context = await contextOf();
      source = context.createMediaStreamSource(stream);
    }
    const packets = new AudioWorkletNode(context, "packets", { numberOfOutputs: 0 });
    packets.port.onmessage = ({ data }) => heard(data.packet, data.peak, context.sampleRate);
    source.connect(packets);
    await context.resume();
    const [track] = stream.getAudioTracks();
    return {
      rate: context.sampleRate,
      lost: (listener) => track.addEventListener("ended", listener),
      close: () => {
        packets.port.onmessage = null;
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

async function contextOf(sampleRate) {
  const context = new AudioContext({ sampleRate });
  await context.audioWorklet.addModule("page/worklet.js");
  return context;
}

/** Resolves to the microphones that there are; their names are known once one was allowed. */
async function microphones() {
  const devices = await navigator.mediaDevices?.enumerateDevices?.() ?? [];
  return devices.filter(({ kind, deviceId }) => kind === "audioinput" && deviceId);
}
