// Which device this browser is. A page of a site's own may be the first it sees of us: the stream
// asks for a device, which any request to us begins.

import { AGAIN, request } from "./requests.js";

// Its id, once the server has said it. Throws Refused for who is signed out.
export async function thisDevice(url) {
  for (;;) {
    try {
      const { devices } = await request("GET", url);
      return devices.find((each) => each.this).id;
    } catch (error) {
      if (error.status === 401) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }
}
