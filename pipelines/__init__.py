"""Work on more than one process or machine, with Ray; installed as `streamcodec.pipelines`. Nothing in streamcodec itself needs Ray."""
