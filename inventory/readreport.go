package inventory

// What each part of a report and of a heartbeat holds, in the order in which it is written. A field that is added
// to a type and not here is not lost: a message that has it goes to the general decoder.

func (r *reader) report(v *Report) {
	r.beforeModules(v)
	readList(r, `"modules":`, &v.Modules, (*reader).module)
	readList(r, `"health":`, &v.Health, (*reader).warning)
	r.readBool(`"truncated":`, &v.Truncated)
	r.close('}')
}

func (r *reader) beforeModules(v *Report) {
	r.open('{')
	readText(r, `"schema":`, &v.Schema)
	readText(r, `"id":`, &v.ID)
	if r.key(`"gateway":`) {
		r.gateway(&v.Gateway)
	}
	r.order(&v.Order)
	r.readTime(`"time":`, &v.Time)
	r.readBool(`"clock_synced":`, &v.ClockSynced)
	readText(r, `"reason":`, &v.Reason)
}

func (r *reader) heartbeat(v *Heartbeat) {
	r.open('{')
	readText(r, `"schema":`, &v.Schema)
	readText(r, `"id":`, &v.ID)
	readText(r, `"gateway":`, &v.Gateway)
	r.order(&v.Order)
	r.readTime(`"time":`, &v.Time)
	r.readBool(`"clock_synced":`, &v.ClockSynced)
	readText(r, `"digest":`, &v.Digest)
	readList(r, `"health":`, &v.Health, (*reader).warning)
	r.close('}')
}

func (r *reader) order(v *Order) {
	r.readUint(`"boot":`, &v.Boot)
	r.readUint(`"seq":`, &v.Seq)
}

func (r *reader) gateway(v *Gateway) {
	r.open('{')
	readText(r, `"id":`, &v.ID)
	readText(r, `"hostname":`, &v.Hostname)
	if r.key(`"labels":`) {
		v.Labels = r.labels()
	}
	readText(r, `"agent":`, &v.Agent)
	readText(r, `"os":`, &v.OS)
	readText(r, `"arch":`, &v.Arch)
	r.close('}')
}

// labels reads names that are plain, and none twice.
func (r *reader) labels() map[string]string {
	labels := map[string]string{}
	r.open('{')
	for !r.bad && !r.take('}') {
		if len(labels) == maxKeys || len(labels) > 0 && !r.take(',') {
			r.bad = true
		}
		q, plain := r.literal()
		k := q[1 : len(q)-1]
		_, twice := labels[k]
		r.bad = !r.take(':') || !plain || twice || r.bad
		labels[k] = r.text()
	}
	r.comma = true
	return labels
}

func (r *reader) warning(v *Warning) {
	r.open('{')
	readText(r, `"code":`, &v.Code)
	readText(r, `"severity":`, &v.Severity)
	readText(r, `"text":`, &v.Text)
	r.readTime(`"since":`, &v.Since)
	r.close('}')
}

func (r *reader) module(v *Module) {
	r.open('{')
	readText(r, `"id":`, &v.ID)
	readText(r, `"state":`, &v.State)
	if r.key(`"identity":`) {
		r.identity(&v.Identity)
	}
	if r.key(`"origin":`) {
		r.origin(&v.Origin)
	}
	r.readFloat(`"confidence":`, &v.Confidence)
	readList(r, `"evidence":`, &v.Evidence, (*reader).evidence)
	readList(r, `"conflicts":`, &v.Conflicts, (*reader).conflict)
	readList(r, `"possible":`, &v.Possible, (*reader).element)
	readList(r, `"parts":`, &v.Parts, (*reader).part)
	readText(r, `"seems":`, &v.Seems)
	readList(r, `"ports":`, &v.Ports, (*reader).port)
	readObject(r, `"device":`, &v.Device, (*reader).device)
	readList(r, `"transcript":`, &v.Transcript, (*reader).exchange)
	readList(r, `"banner":`, &v.Banner, (*reader).element)
	readObject(r, `"managed":`, &v.Managed, (*reader).managed)
	readText(r, `"reason":`, &v.Reason)
	readText(r, `"data":`, &v.Data)
	r.close('}')
}

func (r *reader) identity(v *Identity) {
	r.open('{')
	readText(r, `"maker":`, &v.Maker)
	readText(r, `"maker_name":`, &v.MakerName)
	readText(r, `"badge":`, &v.Badge)
	readText(r, `"model":`, &v.Model)
	readText(r, `"variant":`, &v.Variant)
	readText(r, `"firmware":`, &v.Firmware)
	readText(r, `"hardware":`, &v.Hardware)
	readText(r, `"imei":`, &v.IMEI)
	readText(r, `"chipset":`, &v.Chipset)
	readText(r, `"technology":`, &v.Technology)
	r.close('}')
}

func (r *reader) origin(v *Origin) {
	r.open('{')
	readText(r, `"country":`, &v.Country)
	readText(r, `"parent_country":`, &v.ParentCountry)
	r.readBool(`"unconfirmed":`, &v.Unconfirmed)
	r.close('}')
}

func (r *reader) evidence(v *Evidence) {
	r.open('{')
	readText(r, `"claim":`, &v.Claim)
	readText(r, `"value":`, &v.Value)
	readText(r, `"source":`, &v.Source)
	readText(r, `"quote":`, &v.Quote)
	readText(r, `"rule":`, &v.Rule)
	r.close('}')
}

func (r *reader) conflict(v *Conflict) {
	r.open('{')
	readText(r, `"claim":`, &v.Claim)
	readList(r, `"values":`, &v.Values, (*reader).element)
	readText(r, `"why":`, &v.Why)
	r.close('}')
}

func (r *reader) part(v *Part) {
	r.open('{')
	readText(r, `"name":`, &v.Name)
	readText(r, `"value":`, &v.Value)
	r.close('}')
}

func (r *reader) port(v *Port) {
	r.open('{')
	readText(r, `"path":`, &v.Path)
	readText(r, `"role":`, &v.Role)
	readText(r, `"state":`, &v.State)
	readText(r, `"holder":`, &v.Holder)
	readInt(r, `"baud":`, &v.Baud)
	readText(r, `"reason":`, &v.Reason)
	r.close('}')
}

func (r *reader) device(v *Device) {
	r.open('{')
	readText(r, `"bus":`, &v.Bus)
	readText(r, `"vid":`, &v.VID)
	readText(r, `"pid":`, &v.PID)
	readText(r, `"subvid":`, &v.SubVID)
	readText(r, `"subpid":`, &v.SubPID)
	readText(r, `"revision":`, &v.Revision)
	readText(r, `"path":`, &v.Path)
	readText(r, `"driver":`, &v.Driver)
	readText(r, `"manufacturer":`, &v.Manufacturer)
	readText(r, `"product":`, &v.Product)
	r.close('}')
}

func (r *reader) exchange(v *Exchange) {
	r.open('{')
	readText(r, `"cmd":`, &v.Cmd)
	readList(r, `"lines":`, &v.Lines, (*reader).element)
	readText(r, `"final":`, &v.Final)
	readInt(r, `"ms":`, &v.Millis)
	readText(r, `"note":`, &v.Note)
	r.readBytes(`"raw":`, &v.Raw)
	r.close('}')
}

func (r *reader) managed(v *Managed) {
	r.open('{')
	readText(r, `"by":`, &v.By)
	readText(r, `"manufacturer":`, &v.Manufacturer)
	readText(r, `"model":`, &v.Model)
	readText(r, `"revision":`, &v.Revision)
	readText(r, `"hardware":`, &v.Hardware)
	readText(r, `"equipment_id":`, &v.EquipmentID)
	readText(r, `"plugin":`, &v.Plugin)
	readList(r, `"ports":`, &v.Ports, (*reader).element)
	r.close('}')
}
